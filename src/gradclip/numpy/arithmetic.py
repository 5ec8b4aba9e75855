"""The arithmetic of policies on NumPy arrays."""

from typing import Any

import numpy as np

from gradclip.core.arithmetic import LARGEST, SMALLEST
from gradclip.numpy.measure import NDAny


class NumpyArithmetic:
    """NumPy's side of `gradclip.core.arithmetic.Arithmetic`, where each verb is described.

    Args:
        given: The type in which users get norms.
    """

    def __init__(self, given: np.dtype[Any]) -> None:
        self._given = given

    def sqrt(self, x: Any) -> NDAny:
        """Return the square root."""
        return np.asarray(np.sqrt(x))

    def where(self, condition: Any, x: Any, y: Any) -> NDAny:
        """Choose by entry."""
        return np.asarray(np.where(condition, x, y))

    def isfinite(self, x: Any) -> NDAny:
        """Tell by entry."""
        return np.asarray(np.isfinite(x))

    def any(self, condition: Any) -> bool:
        """Return whether it holds for any entry."""
        return bool(np.any(condition))

    def wide(self, value: Any) -> NDAny:
        """Return a float64 value."""
        return np.asarray(value, np.float64)

    def rounded(self, x: Any) -> NDAny:
        """Round to the given type."""
        wide = np.asarray(x)
        return wide.astype(self._given).astype(wide.dtype)

    def load(self, stored: Any) -> NDAny:
        """Return a float64 value."""
        return np.asarray(stored, np.float64)

    def store(self, x: Any) -> NDAny:
        """Return a float32 value, denormals as 0."""
        limited: NDAny = np.clip(np.asarray(x), -LARGEST, LARGEST)
        kept: NDAny = np.where(np.abs(limited) < SMALLEST, 0.0, limited).astype(np.float32)
        return kept

    def zeros(self, like: Any, length: int | None = None) -> NDAny:
        """Return zeros."""
        return np.zeros(np.shape(like) if length is None else (length, *np.shape(like)))

    def put(self, window: Any, position: Any, value: Any) -> NDAny:
        """Return the window with the value in one place."""
        return np.asarray(np.where(_places(window) == position, value, window))

    def quantile(self, window: Any, count: Any, q: float) -> NDAny:
        """Return the quantile of the first entries."""
        places = _places(window)
        entries = np.sort(np.where(places < count, window, np.inf), axis=0)
        place = q * np.maximum(count - 1.0, 0.0)
        below = np.floor(place)
        above = np.minimum(below + 1.0, np.maximum(count - 1.0, 0.0))
        low, high = (np.sum(np.where(places == at, entries, 0.0), axis=0) for at in (below, above))
        value = low + (place - below) * (high - low)
        return np.where(count > 0, value, 0.0)


def _places(window: Any) -> NDAny:
    """Return the index along the first axis, (W, 1, ...)."""
    return np.arange(len(window), dtype=np.float64).reshape(-1, *(1,) * (np.ndim(window) - 1))
