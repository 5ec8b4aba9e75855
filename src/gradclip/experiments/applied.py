"""The update really applied: what a step changed of the weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.record import StepRecord

Weights = Sequence[NDArray[Any]]
UPDATES_EVERY = 10  # steps: copies of all weights at each would be felt


def with_update(record: StepRecord, before: Weights, after: Weights) -> StepRecord:
    """Return a step's record with the weights' norms and those of its changes.

    Args:
        record: The record.
        before: P weights before the step.
        after: The same after it.
    """
    changes = [new.astype(np.float64) - old for old, new in zip(before, after, strict=True)]
    return replace(
        record,
        weight_norms=tuple(map(_norm, before)),
        update_norms=tuple(map(_norm, changes)),
    )


def _norm(weight: NDArray[Any]) -> float:
    """Return the norm of all entries; the weights may have diverged."""
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(weight.astype(np.float64).ravel()))
