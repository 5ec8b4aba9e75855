"""Draws curves over the steps so that every spike is seen, and marks what is not finite."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from gradclip.record.run import Numbers, ThinRun
from gradclip.record.thin import Column, Thinned, bucket_starts, merge, thin
from gradclip.report.wording import number
from gradclip.watch.axis import Axis, axis_of
from gradclip.watch.canvas import Grid, Layer, painted

CROSS = "\N{MULTIPLICATION SIGN}"
_LABEL = 7  # cells of a number at the axis, at most
_LEAST = 2  # lines or cells that a curve needs
_TICKS = 7  # numbers at an axis, at most
_SELDOM = 0.5  # the share of places with NaN from which it was not meant to be noted


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """How a column is drawn.

    Attributes:
        column: The column's name.
        style: The colour of its mean.
        band: The colour from its least to its greatest where many steps share a place.
        mark: What it is drawn with in ASCII.
        dashed: Whether it is drawn with gaps.
        marked: Whether a cross stands at the top where it is not finite.
        sparse: Whether NaN may mean that nobody noted a value.
    """

    column: str
    style: str
    band: str = ""
    mark: str = "*"
    dashed: bool = False
    marked: bool = False
    sparse: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much room there is.

    Attributes:
        width: Cells in a line.
        height: Lines.
        plain: Whether there is ASCII alone.
    """

    width: int
    height: int
    plain: bool = False


def thinned(numbers: Numbers, columns: Sequence[str], num_buckets: int) -> ThinRun:
    """Return columns of steps in at most so many buckets, more than any screen has places.

    They are thinned once more to a screen's width whenever that changes.
    """
    starts = bucket_starts(len(numbers.steps), num_buckets)
    ends = np.append(starts[1:], len(numbers.steps))
    return ThinRun(
        steps=numbers.steps[starts],
        last_steps=numbers.steps[ends - 1] if len(starts) else numbers.steps,
        rows=ends - starts if len(starts) else starts,
        columns={n: thin(getattr(numbers, n), starts) for n in columns} if len(starts) else {},
    )


def chart(run: ThinRun, curves: Sequence[Curve], size: Size) -> Text:
    """Draw curves over the same steps.

    Args:
        run: The columns.
        curves: How they are drawn; later ones hide earlier ones.
        size: How much room there is.

    Returns:
        Lines of exactly that size.
    """
    height = size.height - 1
    if not len(run.steps) or height < _LEAST or size.width < _LEAST + _LABEL:
        return _message("" if len(run.steps) else "waiting for the first step", size)
    axis = _axis(run, curves)
    labels = _labels(axis, height)
    margin = max(map(len, labels))
    grid = Grid(width=size.width - margin - 1, height=height, plain=size.plain)
    lines = _drawn(run, curves, axis, grid)
    rule = "|" if size.plain else "│"
    rows = [
        Text.assemble((f"{label:>{margin}}{rule}", "dim"), line, end="")
        for label, line in zip(labels, lines, strict=True)
    ]
    return Text("\n").join([*rows, _below(run, margin, size)])


def _axis(run: ThinRun, curves: Sequence[Curve]) -> Axis:
    """Return the axis that shows all of some curves."""
    columns = [run.columns[curve.column] for curve in curves]
    return axis_of(np.concatenate([ends for c in columns for ends in (c.low, c.high)]))


def _drawn(run: ThinRun, curves: Sequence[Curve], axis: Axis, grid: Grid) -> list[Text]:
    """Return curves and their marks, line by line."""
    starts = bucket_starts(len(run.steps), grid.columns)
    buckets = [merge(run.columns[curve.column], run.rows, starts) for curve in curves]
    drawn = list(zip(curves, buckets, strict=True))
    lines = painted(grid, [layer for c, b in drawn for layer in _layers(c, b, axis, grid)])
    for curve, bucket in drawn:
        if curve.marked:
            _mark(lines[0], bucket, grid, sparse=curve.sparse)
    return lines


def _layers(curve: Curve, buckets: Thinned, axis: Axis, grid: Grid) -> list[Layer]:
    """Return a curve's band, if it has one, and its line."""
    places = _places(len(buckets.mean), grid.columns)
    line = _spans(axis.heights(buckets.mean), places, grid)
    if curve.dashed:
        line[:, np.arange(grid.columns) % 4 > 1] = False
    layers = [Layer(line, curve.style, curve.mark)]
    if curve.band:
        low, high = axis.heights(buckets.low), axis.heights(buckets.high)
        band = np.zeros((grid.rows, grid.columns), dtype=bool)
        band[:, places] = _between(low, high, grid)
        layers.insert(0, Layer(band, curve.band, ":"))
    return layers


def _places(count: int, columns: int) -> NDArray[np.int64]:
    """Return the column of each of some values, the first and the last at the ends."""
    return np.round(np.linspace(0, columns - 1, count)).astype(np.int64)


def _spans(heights: Column, places: NDArray[np.int64], grid: Grid) -> NDArray[np.bool_]:
    """Return the dots of a line through some heights, without holes."""
    columns = np.arange(grid.columns)
    path = np.interp(columns, places, heights, right=np.nan)
    path[places] = heights  # also where a neighbour is not finite
    padded = np.concatenate([path[:1], path, path[-1:]])
    left, right = (padded[:-2] + path) / 2, (path + padded[2:]) / 2
    ends = [path, np.where(np.isnan(left), path, left), np.where(np.isnan(right), path, right)]
    return _between(np.min(ends, axis=0), np.max(ends, axis=0), grid)


def _between(low: Column, high: Column, grid: Grid) -> NDArray[np.bool_]:
    """Return the dots from one height to another, column by column; none without a height."""
    rows = np.arange(grid.rows)[::-1, None]
    scale = grid.rows - 1
    return np.asarray((rows >= np.round(low * scale)) & (rows <= np.round(high * scale)))


def _mark(line: Text, buckets: Thinned, grid: Grid, *, sparse: bool) -> None:
    """Put a cross over the places where something was not finite."""
    hits = (buckets.nans + buckets.infinities) > 0
    if sparse and (buckets.nans > 0).mean() > _SELDOM:
        hits = buckets.infinities > 0
    per_cell = grid.columns // grid.width
    cells = sorted(set((_places(len(hits), grid.columns)[hits] // per_cell).tolist()))
    text = list(line.plain)
    for cell in cells:
        text[cell] = "x" if grid.plain else CROSS
    line.plain = "".join(text)
    for cell in cells:
        line.stylize("bold red", cell, cell + 1)


def _labels(axis: Axis, height: int) -> list[str]:
    """Return the text left of each line."""
    labels = [""] * height
    ticks = np.array(axis.ticks(min(max(height // 2, 3), _TICKS)))
    for tick, share in zip(ticks, axis.heights(ticks), strict=True):
        labels[round((1 - share) * (height - 1))] = number(float(tick))[:_LABEL]
    return labels


def _below(run: ThinRun, margin: int, size: Size) -> Text:
    """Return the line with the first and the last step."""
    first, last = f"{run.steps[0]:,}", f"{run.last_steps[-1]:,}"
    room = size.width - margin - 1 - len(first)
    corner = "+" if size.plain else "└"
    return Text(f"{corner:>{margin + 1}}{first}{last:>{max(room, 0)}}", style="dim", end="")


def _message(text: str, size: Size) -> Text:
    """Return a few words in the middle of nothing."""
    lines = [""] * max(size.height, 1)
    lines[len(lines) // 2] = text.center(size.width)
    return Text("\n".join(lines), style="dim", end="")
