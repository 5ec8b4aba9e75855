"""From steps to records, and to the summaries of many."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.record.block import Block
from gradclip.record.layout import NORMS, NUMBERS, STATISTICS, UPDATES, Row
from gradclip.record.thin import Counts, Thinned, merge, thin

Columns = Mapping[str, Thinned]
_THINNED = [f.name for f in fields(Thinned)]


def step_rows(block: Block, layout: np.dtype[np.void]) -> Row:
    """Return the records of steps as wholes."""
    rows = _rows(block.steps, layout)
    rows["lost"] = block.lost
    return _filled(rows, block.columns, (*NUMBERS, "skipped"))


def tensor_rows(block: Block, layout: np.dtype[np.void]) -> Row:
    """Return the records of steps' tensors."""
    given = [name for name in (*NORMS, *STATISTICS) if name in (layout.names or ())]
    return _filled(_rows(block.steps, layout), block.columns, given)


def update_rows(block: Block, layout: np.dtype[np.void]) -> Row:
    """Return the records of updates."""
    steps, *vectors = zip(*block.updates, strict=True)
    return _filled(_rows(steps, layout), dict(zip(UPDATES, vectors, strict=True)), UPDATES)


def _filled(rows: Row, columns: Mapping[str, Any], names: Sequence[str]) -> Row:
    """Return records with some columns, arrays or a step after the other."""
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite there
        for name in names:
            field, given = rows[name], columns[name]
            if isinstance(given, np.ndarray):
                field[:] = given
            else:
                for i, value in enumerate(given):
                    field[i] = value
    return rows


def _rows(steps: Any, layout: np.dtype[np.void]) -> Row:
    """Return empty records with their steps' numbers."""
    rows = np.zeros(len(steps), layout)
    rows["step"] = steps
    return rows


def summaries_of(steps: Row, tensors: Row, size: int, layout: np.dtype[np.void]) -> Row:
    """Return summaries of `size` neighbouring steps each.

    Args:
        steps: Records of steps, (N * size,).
        tensors: The same of their tensors.
        size: How many steps a summary is of.
        layout: That of the summaries, as `grouped_layout` gives it.

    Returns:
        The summaries, (N,).
    """
    names = [name for name in (*NORMS, *STATISTICS) if name in (tensors.dtype.names or ())]
    vectors = [tensors[name].astype(np.float64) for name in names]
    found = _thinned(np.concatenate(vectors, axis=1), size)
    length = vectors[0].shape[1]
    places = [slice(i * length, (i + 1) * length) for i in range(len(names))]
    columns = {n: found.column(place) for n, place in zip(names, places, strict=True)}
    columns["numbers"] = _thinned(_numbers(steps), size)
    ends = steps["step"][::size], steps["step"][size - 1 :: size]
    lost = steps["lost"].reshape(-1, size).sum(axis=1)
    return _summaries(columns, ends, size, lost, layout)


def columns_of(steps: Row, tensors: Row, starts: Counts) -> dict[str, Thinned]:
    """Return all columns of some steps, thinned to buckets."""
    columns = _together(steps, tensors, starts)
    numbers = columns.pop("numbers")
    return {n: numbers.column(i) for i, n in enumerate((*NUMBERS, "skipped"))} | columns


def _together(steps: Row, tensors: Row, starts: Counts) -> dict[str, Thinned]:
    """Return all columns of some steps, thinned to buckets, those of steps as one."""
    columns = {"numbers": thin(_numbers(steps), starts)}
    for name in (*NORMS, *STATISTICS):
        if name in (tensors.dtype.names or ()):
            columns[name] = thin(tensors[name].astype(np.float64), starts)
    return columns


def _numbers(steps: Row) -> NDArray[np.float64]:
    """Return all numbers of some steps, side by side."""
    return np.stack([steps[n].astype(np.float64) for n in (*NUMBERS, "skipped")], axis=1)


def _thinned(columns: NDArray[np.float64], size: int) -> Thinned:
    """Thin columns (S, C) to buckets of `size` rows: side by side they are one bucket."""
    shape = len(columns) // size, columns.shape[1]
    across = columns.reshape(shape[0], size, shape[1]).swapaxes(0, 1)
    found = thin(across.reshape(size, shape[0] * shape[1]), np.zeros(1, dtype=np.int64))
    return Thinned(**{name: getattr(found, name).reshape(shape) for name in _THINNED})


def summary_of_summaries(summaries: Row) -> Row:
    """Return the summary of neighbouring summaries, (1,), of the same layout."""
    starts = np.zeros(1, dtype=np.int64)
    rows = summaries["num_rows"].astype(np.int64)
    columns = {name: merge(c, rows, starts) for name, c in summarized(summaries).items()}
    ends = summaries["step"][0], summaries["last_step"][-1]
    return _summaries(columns, ends, int(rows.sum()), summaries["lost"].sum(), summaries.dtype)


def summarized(summaries: Row) -> dict[str, Thinned]:
    """Return the columns of N summaries, a bucket each, in the types of the file."""
    names = [n for n in summaries.dtype.names or () if summaries.dtype[n].base.names]
    return {name: Thinned(**{part: summaries[name][part] for part in _THINNED}) for name in names}


def _summaries(
    columns: Columns, ends: Any, num_rows: int, lost: Any, layout: np.dtype[np.void]
) -> Row:
    """Return the summaries with these columns, (N,)."""
    rows = np.zeros(len(columns["numbers"].mean), layout)
    rows["step"], rows["last_step"] = ends
    rows["num_rows"], rows["lost"] = num_rows, lost
    with np.errstate(over="ignore"):
        for name, thinned in columns.items():
            field = rows[name]
            for part in _THINNED:
                field[part] = getattr(thinned, part)
    return rows
