"""Draws the layers' norms from input to output as bars: whether gradients vanish or explode."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from gradclip.record.run import Column
from gradclip.record.thin import bucket_starts
from gradclip.report.wording import number
from gradclip.watch.chart import CROSS, Size
from gradclip.watch.layers import Layers
from gradclip.watch.names import distinct, shortened

_LOWEST = 1e-30  # a norm below it is drawn as 0
_NUMBER = 7  # cells of a number
_NAME = 16  # cells of a name, at most
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One weight, or neighbours that share a line.

    Attributes:
        name: The first one's name, without what all have in common; dots behind it stand for
            those that follow.
        low: The least norm of them; NaN if none is finite.
        high: The greatest.
        finite: Whether all are.
    """

    name: str
    low: float
    high: float
    finite: bool


def bars(layers: Layers, most: int) -> list[Bar]:
    """Return a bar for each weight from input to output, or for as many groups as fit.

    Args:
        layers: The layers; biases and other vectors are left out where there are weights.
        most: How many bars there may be, at least 1.

    Example:
        >>> layers = Layers(
        ...     step=0,
        ...     names=("w1", "w2", "w3"),
        ...     matrices=np.arange(3),
        ...     columns={"before": np.array([1.0, 2.0, 3.0])},
        ... )
        >>> [(bar.name, bar.high) for bar in bars(layers, 2)]
        [('w1', 1.0), ('w2…', 3.0)]
    """
    places = layers.matrices
    starts = bucket_starts(len(places), max(most, 1))
    groups = np.split(places, starts[1:]) if len(places) else []
    names = distinct([layers.names[place] for place in places])
    return [_bar(layers, group, names[start]) for start, group in zip(starts, groups, strict=True)]


def profile(layers: Layers | None, size: Size) -> Text:
    """Draw the weights' norms before clipping from input to output, on a logarithmic scale.

    Args:
        layers: The layers; None before the first step.
        size: How much room there is.

    Returns:
        One line a weight, or a group of neighbours: full up to the least norm in it, pale up to
        the greatest.
    """
    if layers is None or size.height < 1:
        return Text("waiting for the first step", style="dim", no_wrap=True, end="")
    drawn = bars(layers, size.height)
    low, high = _bounds(np.array([value for bar in drawn for value in (bar.low, bar.high)]))
    name_width = min(max(len(bar.name) for bar in drawn), max(size.width // 3, 5), _NAME)
    room = max(size.width - name_width - _NUMBER - 2, 1)
    lines = []
    for bar in drawn:
        ends = [_share(value, low, high) * room for value in (bar.low, bar.high)]
        line = Text(f"{shortened(bar.name, name_width):<{name_width}} ", no_wrap=True, end="")
        line.append(_full(ends[0], size), "cyan")
        line.append(_pale(ends[0], ends[1], size), "cyan dim")
        line.append(" " * max(0, name_width + 1 + room - len(line)))
        style = "dim" if bar.finite else "bold red"
        lines.append(
            line.append(f"{number(bar.high) if bar.finite else CROSS:>{_NUMBER + 1}}", style)
        )
    return Text("\n").join(lines)


def _bar(layers: Layers, group: NDArray[np.int64], name: str) -> Bar:
    """Return the bar of neighbours."""
    norms = layers.columns["before"][group]
    known = norms[np.isfinite(norms)]
    return Bar(
        name=name + "…" if len(group) > 1 else name,
        low=float(known.min()) if len(known) else math.nan,
        high=float(known.max()) if len(known) else math.nan,
        finite=len(known) == len(norms),
    )


def _bounds(norms: Column) -> tuple[float, float]:
    """Return the whole powers of ten around the norms, with room for the least to be seen."""
    powers = np.log10(norms[norms > _LOWEST])
    if not len(powers):
        return 0.0, 1.0
    return math.floor(powers.min() - 0.3), max(
        math.ceil(powers.max()), math.floor(powers.min()) + 1
    )


def _share(norm: float, low: float, high: float) -> float:
    """Return how much of the room a norm takes; nothing for 0 and NaN."""
    if not norm > _LOWEST:
        return 0.0
    return min(1.0, max(0.0, (math.log10(norm) - low) / (high - low)))


def _full(length: float, size: Size) -> str:
    """Return a bar, to an eighth of a cell."""
    if size.plain:
        return "#" * round(length)
    whole, part = divmod(round(length * 8), 8)
    return "█" * whole + _EIGHTHS[part].strip()


def _pale(start: float, stop: float, size: Size) -> str:
    """Return what a group's greatest norm adds to its least."""
    cells = round(stop) - (round(start) if size.plain else math.ceil(round(start * 8) / 8))
    return ("-" if size.plain else "░") * max(cells, 0)
