"""What was seen of gradients, as columns that are put together when somebody reads them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.report import Report
from gradclip.record.convert import vector

NORMS, LARGEST, NONFINITE, ZEROS = range(4)  # the columns of a `Look`


class Seen(Protocol):
    """What is known of P gradients; reading it may wait for a device."""

    @property
    def counted(self) -> bool:
        """Whether more than the norms is known."""
        ...

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        ...

    def column(self, place: int) -> NDArray[Any]:
        """Return norms, largest moduli, or counts of non-finite entries or of zeros, (P,)."""
        ...


class Reported:
    """What a report of gradclip's tells of gradients as they came.

    Args:
        report: The report, which may make its vectors when it is asked.
    """

    __slots__ = ("_report",)

    def __init__(self, report: Report) -> None:
        self._report = report

    @property
    def counted(self) -> bool:
        """Whether more than the norms is known."""
        return self._report.statistics is not None

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        return float(self._report.norm_before)

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        if place == NORMS:
            return vector(self._report.parts_before)
        assert self._report.statistics is not None  # asked before
        return vector(self._report.statistics[1 + place])  # after the norm of all


class Clipped:
    """What a report of gradclip's tells of gradients as the optimizer gets them: their norms.

    Args:
        report: The report.
    """

    __slots__ = ("_report",)
    counted = False

    def __init__(self, report: Report) -> None:
        self._report = report

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        return float(self._report.norm_after)

    def column(self, place: int) -> NDArray[Any]:
        """Return the norms."""
        assert place == NORMS
        return vector(self._report.parts_after)


class Nothing:
    """What nobody asks for."""

    __slots__ = ()
    counted = False
    total = 0.0

    def column(self, place: int) -> NDArray[Any]:
        """Return no numbers."""
        del place
        return np.zeros(0)


class Unless:
    """What an optimizer gets unless its step is dropped: then it gets zeros.

    Args:
        dropped: Whether it is, a bool or a tensor ().
        seen: What it gets otherwise.

    Attributes:
        dropped: Whether it is.
        seen: What it gets otherwise.
    """

    __slots__ = ("dropped", "seen")
    counted = False

    def __init__(self, dropped: Any, seen: Seen) -> None:
        self.dropped = dropped
        self.seen = seen

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        return 0.0 if bool(self.dropped) else self.seen.total

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        found = self.seen.column(place)
        return np.zeros_like(found) if bool(self.dropped) else found


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
        if len(self._seen) == 1:
            return np.asarray(self._seen[0].column(self._place), dtype)
        found = [part.column(self._place) for part in self._seen]
        return np.concatenate(found, dtype=dtype)


NOTHING = Nothing()
