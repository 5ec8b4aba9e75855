"""The update really applied: what a step changed of the weights, on the host."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Sequence[NDArray[Any]]


def applied(before: Weights, after: Weights) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the weights' norms and those of a step's changes.

    Args:
        before: P weights before the step.
        after: The same after it.

    Returns:
        The norms before, and those of the changes; of weights that diverged they are not finite.

    Example:
        >>> applied([np.array([3.0, 4.0])], [np.array([3.0, 4.5])])
        ((5.0,), (0.5,))
    """
    with np.errstate(all="ignore"):
        changes = [new.astype(np.float64) - old for old, new in zip(before, after, strict=True)]
        return tuple(map(_norm, before)), tuple(map(_norm, changes))


def _norm(weight: NDArray[Any]) -> float:
    """Return the norm of all entries."""
    return float(np.linalg.norm(weight.astype(np.float64).ravel()))
