"""What was seen of gradients, as columns that are put together when somebody reads them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradclip.core.statistics import Look
from gradclip.record.convert import vector

NORMS, LARGEST, NONFINITE, ZEROS = range(4)  # the columns of a `Look`
_SCALED = (NORMS, LARGEST)


class Seen(Protocol):
    """What is known of P gradients; reading it may wait for a device."""

    def column(self, place: int) -> NDArray[Any]:
        """Return norms, largest moduli, or counts of non-finite entries or of zeros, (P,)."""
        ...


class Looked:
    """What one look at gradients found, multiplied by one over the scale of a scaled loss.

    Args:
        look: What was found.
        factor: What norms and moduli are multiplied by, ().
    """

    __slots__ = ("_factor", "look")

    def __init__(self, look: Look, factor: Any = 1.0) -> None:
        self.look = look
        self._factor = factor

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        values = vector(self.look.columns[place])
        factor = float(self._factor)
        return values * factor if place in _SCALED and factor != 1.0 else values


class Nothing:
    """What an optimizer gets that does not step: zeros."""

    __slots__ = ("_length",)

    def __init__(self, length: int) -> None:
        self._length = length

    def column(self, place: int) -> NDArray[Any]:
        """Return zeros."""
        del place
        return np.zeros(self._length)


class Column:
    """One column of all that was seen in a step, for NumPy to read.

    Args:
        seen: What was seen, optimizer by optimizer.
        place: Which column.
    """

    __slots__ = ("_place", "_seen")

    def __init__(self, seen: Sequence[Seen], place: int) -> None:
        self._seen = seen
        self._place = place

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        del copy  # it is always made anew
        found = np.concatenate([part.column(self._place) for part in self._seen])
        return found if dtype is None else found.astype(dtype)
