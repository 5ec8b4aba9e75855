"""A run as tables: one of steps, one of tensors at steps, one of updates."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradclip.record.layout import NUMBERS
from gradclip.record.run import Run

Table = Literal["steps", "tensors", "updates"]
Columns = dict[str, NDArray[Any]]
COUNTS = ("nonfinite", "zeros")  # whole numbers, NaN where nobody counted
PARAMETER = "parameter"  # the column that is a place in the list of parameters


def steps_table(run: Run) -> Columns:
    """Return a row for each step: its number, and what is known of it as a whole."""
    numbers = {name: getattr(run, name) for name in NUMBERS}
    return {"step": run.steps, **numbers, "skipped": run.skipped, "lost": run.lost}


def tensors_table(run: Run) -> Columns:
    """Return a row for each step and tensor."""
    shape = run.norms_before.shape
    unknown = np.broadcast_to(np.nan, shape)
    columns = {
        "norm_before": run.norms_before,
        "norm_after": run.norms_after,
        "largest": unknown if run.largest is None else run.largest,
        "nonfinite": unknown if run.nonfinite is None else run.nonfinite,
        "zeros": unknown if run.zeros is None else run.zeros,
    }
    return _long(run.steps, shape[1], columns)


def updates_table(run: Run) -> Columns:
    """Return a row for each tensor and each step at which the update was measured."""
    updates = run.updates
    if updates is None:
        empty = np.zeros((0, len(run.metadata.parameters)))
        return _long(run.steps[:0], empty.shape[1], dict.fromkeys(_UPDATES, empty))
    columns = {"weight_norm": updates.weight_norms, "update_norm": updates.update_norms}
    return _long(updates.steps, updates.weight_norms.shape[1], columns)


_UPDATES = ("weight_norm", "update_norm")
TABLES: Mapping[Table, Callable[[Run], Columns]] = {
    "steps": steps_table,
    "tensors": tensors_table,
    "updates": updates_table,
}


def names_of(run: Run) -> NDArray[np.object_]:
    """Return the parameters' names, (P,)."""
    return np.array([p.name for p in run.metadata.parameters], dtype=np.object_)


def counts_of(column: NDArray[np.float64]) -> list[int | None]:
    """Return counts as whole numbers, None where nobody counted."""
    pairs = zip(column.tolist(), np.isnan(column).tolist(), strict=True)
    return [None if unknown else int(count) for count, unknown in pairs]


def _long(steps: NDArray[np.int64], num_parameters: int, columns: Columns) -> Columns:
    """Return columns (S, P) below each other, with the step and the parameter beside them."""
    places = np.arange(num_parameters, dtype=np.int32)
    return {
        "step": np.repeat(steps, num_parameters),
        PARAMETER: np.tile(places, len(steps)),
        **{name: column.reshape(-1) for name, column in columns.items()},
    }
