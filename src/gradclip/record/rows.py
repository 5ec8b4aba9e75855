"""From steps to records, and to the summaries of many."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from gradclip.record.layout import NORMS, NUMBERS, STATISTICS, UPDATES, Row
from gradclip.record.schema import StepRecord
from gradclip.record.thin import Counts, Thinned, merge, thin

Columns = Mapping[str, Thinned]
_NULLS = {"limit": np.inf}  # of every other number, NaN stands for "unknown"
_THINNED = [f.name for f in fields(Thinned)]
_FLOAT32, _FLOAT64 = np.dtype("<f4"), np.dtype("<f8")


def real_type(record: StepRecord) -> str:
    """Return the type that holds a step's norms: the framework's float32, or float64."""
    given = getattr(record.norms_before, "dtype", None)
    if given is _FLOAT32 or given is _FLOAT64:  # comparing their names takes microseconds
        return given.str
    return "<f4" if str(given).endswith("float32") else "<f8"


def step_rows(records: Sequence[StepRecord], layout: np.dtype[np.void]) -> Row:
    """Return the records of steps as wholes."""
    rows = _rows(records, layout)
    for name in NUMBERS:
        null = _NULLS.get(name, np.nan)
        rows[name] = [null if (v := getattr(r, name)) is None else v for r in records]
    rows["skipped"] = [r.skipped for r in records]
    rows["lost"] = [r.lost for r in records]
    return rows


def tensor_rows(records: Sequence[StepRecord], layout: np.dtype[np.void]) -> Row:
    """Return the records of steps' tensors."""
    return _filled(records, layout, (*NORMS, *STATISTICS))


def update_rows(records: Sequence[StepRecord], layout: np.dtype[np.void]) -> Row:
    """Return the records of updates."""
    return _filled(records, layout, UPDATES)


def _filled(
    records: Sequence[StepRecord], layout: np.dtype[np.void], columns: Sequence[str]
) -> Row:
    """Return records with some columns of tensors."""
    rows = _rows(records, layout)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite there
        for name in columns:
            if name in (layout.names or ()):
                column = rows[name]
                for i, record in enumerate(records):
                    column[i] = getattr(record, name)
    return rows


def _rows(records: Sequence[StepRecord], layout: np.dtype[np.void]) -> Row:
    """Return empty records with their steps' numbers."""
    rows = np.zeros(len(records), layout)
    rows["step"] = [r.step for r in records]
    return rows


def summary_of(steps: Row, tensors: Row, layout: np.dtype[np.void]) -> Row:
    """Return the summary of some steps, (1,), of a layout as `grouped_layout` gives it."""
    columns = _together(steps, tensors, np.zeros(1, dtype=np.int64))
    return _summary(columns, steps["step"][[0, -1]], len(steps), steps["lost"].sum(), layout)


def columns_of(steps: Row, tensors: Row, starts: Counts) -> dict[str, Thinned]:
    """Return all columns of some steps, thinned to buckets."""
    columns = _together(steps, tensors, starts)
    numbers = columns.pop("numbers")
    return {n: numbers.column(i) for i, n in enumerate((*NUMBERS, "skipped"))} | columns


def _together(steps: Row, tensors: Row, starts: Counts) -> dict[str, Thinned]:
    """Return all columns of some steps, thinned to buckets, those of steps as one."""
    numbers = np.stack([steps[n].astype(np.float64) for n in (*NUMBERS, "skipped")], axis=1)
    columns = {"numbers": thin(numbers, starts)}
    for name in (*NORMS, *STATISTICS):
        if name in (tensors.dtype.names or ()):
            columns[name] = thin(tensors[name].astype(np.float64), starts)
    return columns


def summary_of_summaries(summaries: Row) -> Row:
    """Return the summary of neighbouring summaries, (1,), of the same layout."""
    starts = np.zeros(1, dtype=np.int64)
    rows = summaries["num_rows"].astype(np.int64)
    columns = {name: merge(c, rows, starts) for name, c in summarized(summaries).items()}
    ends = [summaries["step"][0], summaries["last_step"][-1]]
    return _summary(columns, ends, int(rows.sum()), summaries["lost"].sum(), summaries.dtype)


def summarized(summaries: Row) -> dict[str, Thinned]:
    """Return the columns of N summaries, a bucket each, in the types of the file."""
    names = [n for n in summaries.dtype.names or () if summaries.dtype[n].base.names]
    return {name: Thinned(**{part: summaries[name][part] for part in _THINNED}) for name in names}


def _summary(
    columns: Columns, ends: Any, num_rows: int, lost: int, layout: np.dtype[np.void]
) -> Row:
    """Return the summary with these columns, (1,)."""
    row = np.zeros(1, layout)
    row["step"], row["last_step"] = ends
    row["num_rows"], row["lost"] = num_rows, lost
    with np.errstate(over="ignore"):
        for name, thinned in columns.items():
            field = row[name]
            for part in _THINNED:
                field[part] = getattr(thinned, part)[0]
    return row
