"""Steps of one form, column by column: what is written at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.record.layout import NORMS, NUMBERS, STATISTICS
from gradclip.record.schema import StepRecord, Vector

_NULLS = {"limit": np.inf}  # of every other number, NaN stands for "unknown"
_FLOAT32, _FLOAT64 = np.dtype("<f4"), np.dtype("<f8")


class Form(NamedTuple):
    """What steps in one file have in common.

    Attributes:
        num_parameters: How many parameters they are of.
        real: The type of norms, `<f4` or `<f8`.
        statistics: Whether there is more than norms.
    """

    num_parameters: int
    real: str
    statistics: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """N steps that one file may hold, one behind the other.

    Attributes:
        form: What they have in common.
        steps: Their numbers, rising.
        lost: How many steps right before each of them could not be kept.
        columns: The fields of a `StepRecord` that the files of steps and of tensors have, by their
            names: N numbers, or N vectors (P,). NaN for a number that is not known, inf for no
            limit.
        updates: Of the steps at which it was measured: the number, the weights' norms, and those
            of what was changed.
    """

    form: Form
    steps: NDArray[np.int64]
    lost: NDArray[np.int64]
    columns: Mapping[str, Any]
    updates: Sequence[tuple[int, Vector, Vector]] = ()

    def __len__(self) -> int:
        """Return how many steps there are."""
        return len(self.steps)

    def behind(self, lost: int) -> Self:
        """Return the same, with more steps lost right before the first."""
        counts = self.lost.copy()
        counts[0] += lost
        return replace(self, lost=counts)


def blocks_of(records: Sequence[StepRecord]) -> Iterator[Block]:
    """Yield steps, split where one cannot stand in one file with those before it.

    Args:
        records: Steps, in the order in which they were taken.
    """
    group: list[StepRecord] = []
    form = None
    for record in records:
        own = _form_of(record)
        if form is not None and (record.step <= group[-1].step or own != form):
            yield _block(group, form)
            group = []
        group.append(record)
        form = own
    if form is not None:
        yield _block(group, form)


def real_type(norms: Any) -> str:
    """Return the type that holds a step's norms: the framework's float32, or float64."""
    given = getattr(norms, "dtype", None)
    if given is _FLOAT32 or given is _FLOAT64:  # comparing their names takes microseconds
        return given.str
    return "<f4" if str(given).endswith("float32") else "<f8"


def _form_of(record: StepRecord) -> Form:
    """Return what a step has in common with others."""
    before = record.norms_before
    return Form(len(before), real_type(before), record.largest is not None)


def _block(records: Sequence[StepRecord], form: Form) -> Block:
    """Return steps of one form as columns."""
    columns: dict[str, Any] = {"skipped": [r.skipped for r in records]}
    for name in NUMBERS:
        null = _NULLS.get(name, np.nan)
        columns[name] = [null if (v := getattr(r, name)) is None else v for r in records]
    for name in (*NORMS, *STATISTICS):
        columns[name] = [getattr(r, name) for r in records]
    return Block(
        form=form,
        steps=np.array([r.step for r in records], dtype=np.int64),
        lost=np.array([r.lost for r in records], dtype=np.int64),
        columns=columns,
        updates=[
            (r.step, r.weight_norms, r.update_norms) for r in records if r.update_norms is not None
        ],
    )
