"""What a step changed of the weights, computed when somebody reads it: not where training runs."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from gradclip.record.applied import applied
from gradclip.record.convert import vector


class Change:
    """Weights before and after a step.

    Args:
        before: The weights, on the host, which nobody writes to.
        after: The same after the step.

    Example:
        >>> import numpy as np
        >>> weights, update = Change([np.array([3.0, 4.0])], [np.array([3.0, 4.5])]).columns()
        >>> np.asarray(weights), np.asarray(update)
        (array([5.]), array([0.5]))
    """

    def __init__(self, before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]]) -> None:
        self._weights = (before, after)

    def columns(self) -> tuple["_Column", "_Column"]:
        """Return the weights' norms and those of what was changed, to be read later."""
        return _Column(self, 0), _Column(self, 1)

    @cached_property
    def norms(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both of them."""
        before, after = self._weights
        self._weights = ((), ())
        weights, updates = applied(before, after)
        return vector(weights), vector(updates)


class _Column:
    """One of the two."""

    def __init__(self, change: Change, place: int) -> None:
        self._change, self._place = change, place

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        del copy
        found = self._change.norms[self._place]
        return found if dtype is None else found.astype(dtype)
