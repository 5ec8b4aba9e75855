"""What a record of each kind holds: fixed sizes, so that a column of a file is a stride."""

from typing import Any, Literal

import numpy as np

Kind = Literal["steps", "tensors", "updates", "summaries-32", "summaries-256", "summaries-1024"]
FACTORS = (32, 256, 1024)  # how many steps a summary is of; each is made of those before it
SUMMARIES: tuple[Kind, ...] = ("summaries-32", "summaries-256", "summaries-1024")

NUMBERS = (
    "time", "loss", "accuracy", "learning_rate", "global_norm_before", "global_norm_after",
    "limit", "scale",
)  # fmt: skip
NORMS = ("norms_before", "norms_after")
STATISTICS = ("largest", "nonfinite", "zeros")
UPDATES = ("weight_norms", "update_norms")

Row = np.ndarray[Any, np.dtype[np.void]]
# The checksum comes first and is of all that follows it.
_HEAD = [("checksum", "<u4"), ("lost", "<u4"), ("step", "<i8")]


def steps_layout() -> np.dtype[np.void]:
    """Return what is known of a step as a whole."""
    numbers = [(name, "<f8") for name in NUMBERS]
    return np.dtype([*_HEAD, *numbers, ("skipped", "<u8")])


def tensors_layout(num_parameters: int, real: str, *, statistics: bool) -> np.dtype[np.void]:
    """Return what is known of each of a step's P tensors.

    Args:
        num_parameters: P.
        real: The type of norms, `<f4` or `<f8`.
        statistics: Whether there is more than norms.
    """
    shape = (num_parameters,)
    columns: list[Any] = [(name, real, shape) for name in NORMS]
    if statistics:
        # A tensor may have more entries than 32 bits can count.
        columns += [("largest", real, shape), ("nonfinite", "<u8", shape), ("zeros", "<u8", shape)]
    return np.dtype([*_HEAD, *columns])


def updates_layout(num_parameters: int, real: str) -> np.dtype[np.void]:
    """Return what is known of the weights and of the updates really applied to them."""
    return np.dtype([*_HEAD, *((name, real, (num_parameters,)) for name in UPDATES)])


def summaries_layout(tensors: np.dtype[np.void]) -> np.dtype[np.void]:
    """Return what is kept of many steps at once: of every column, what `Thinned` holds."""
    columns: list[Any] = [(name, thinned_layout("<f8", ())) for name in (*NUMBERS, "skipped")]
    for name in (*NORMS, *STATISTICS):
        if name in (tensors.names or ()):
            field = tensors[name]
            real = field.base if field.base.kind == "f" else "<f4"
            columns.append((name, thinned_layout(real, field.shape)))
    return np.dtype([*_HEAD, ("last_step", "<i8"), ("num_rows", "<u8"), *columns])


def grouped_layout(summaries: np.dtype[np.void]) -> np.dtype[np.void]:
    """Return another view of the same bytes: the numbers of steps as one field, `numbers`.

    Numbers are written many at a time: one by one they would cost more than all else.
    """
    names = list(summaries.names or ())
    first = names.index(NUMBERS[0])
    together = ("numbers", summaries[NUMBERS[0]], (len(NUMBERS) + 1,))
    others = [(name, summaries[name]) for name in names]
    return np.dtype([*others[:first], together, *others[first + len(NUMBERS) + 1 :]])


def thinned_layout(real: Any, shape: tuple[int, ...]) -> np.dtype[np.void]:
    """Return the fields of one column's bucket, under the names of `Thinned`."""
    numbers = [(name, real, shape) for name in ("low", "mean", "high")]
    counts = [(name, "<u4", shape) for name in ("zeros", "nans", "infinities")]
    return np.dtype([*numbers, *counts])
