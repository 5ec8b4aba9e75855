"""The update really applied: what a step changed of the weights, on the host."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE = 8192  # entries that the processor's cache holds

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
        found = [_norms(old, new) for old, new in zip(before, after, strict=True)]
    return tuple(weight for weight, _ in found), tuple(change for _, change in found)


def _norms(old: NDArray[Any], new: NDArray[Any]) -> tuple[float, float]:
    """Return the norm of a weight's entries, and that of what changed.

    Piece by piece, for larger ones have to be fetched from the system's memory each time; and not
    by BLAS, whose threads take turns with training.
    """
    weight = change = 0.0
    first, second = old.reshape(-1), new.reshape(-1)
    for start in range(0, first.size, _PIECE):
        piece = _wide(first[start : start + _PIECE])
        moved = _wide(second[start : start + _PIECE]) - piece
        weight += _squares(piece)
        change += _squares(moved)
    return math.sqrt(weight), math.sqrt(change)


def _wide(entries: NDArray[Any]) -> NDArray[Any]:
    """Return entries in double precision."""
    return entries.astype(np.complex128 if entries.dtype.kind == "c" else np.float64)


def _squares(entries: NDArray[Any]) -> float:
    """Return the sum of the squared moduli of entries."""
    if entries.dtype.kind == "c":
        entries = np.abs(entries)
    return float(np.einsum("i,i->", entries, entries))
