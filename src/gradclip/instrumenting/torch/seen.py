"""What was seen of gradients, as columns that are put together when somebody reads them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.core.statistics import Look
from gradclip.instrumenting.torch.distributed import Placement
from gradclip.record.convert import vector
from gradclip.torch import in_place
from gradclip.torch.namespace import TorchNamespace

NORMS, LARGEST, NONFINITE, ZEROS = range(4)  # the columns of a `Look`
_SCALED = (NORMS, LARGEST)
_HERE = Placement()
_VERBS = TorchNamespace()


class Seen(Protocol):
    """What is known of P gradients; reading it may wait for a device."""

    @property
    def counted(self) -> bool:
        """Whether more than the norms is known."""
        ...

    def column(self, place: int) -> NDArray[Any]:
        """Return norms, largest moduli, or counts of non-finite entries or of zeros, (P,)."""
        ...


class Looked:
    """What one look at gradients found, multiplied by one over the scale of a scaled loss.

    Args:
        look: What was found.
        factor: What norms and moduli are multiplied by, ().
    """

    __slots__ = ("_factor", "_look")
    counted = True

    def __init__(self, found: Look, factor: Any = 1.0) -> None:
        self._look = found
        self._factor = factor

    @property
    def scaled(self) -> bool:
        """Whether the gradients were those of a scaled loss."""
        return isinstance(self._factor, Tensor) or self._factor != 1.0

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        values = vector(self._look.columns[place])
        return values * float(self._factor) if self.scaled and place in _SCALED else values


def look(parameters: list[Tensor], factor: Any = 1.0, placement: Placement = _HERE) -> Looked:
    """Look once at the gradients of parameters, without waiting for a device.

    Args:
        parameters: The parameters, P of them; one that has no gradient counts as zeros.
        factor: What takes the scale of a scaled loss from them, ().
        placement: Which parts of them this process is to tell of.

    Returns:
        What was found.
    """
    with torch.no_grad():
        gradients = placement.parts(in_place.read(parameters))
        return Looked(_VERBS.statistics(gradients), factor)


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

    def column(self, place: int) -> NDArray[Any]:
        """Return the norms."""
        assert place == NORMS
        return vector(self._report.parts_after)


class Nothing:
    """What nobody asks for."""

    __slots__ = ()
    counted = False

    def column(self, place: int) -> NDArray[Any]:
        """Return no numbers."""
        del place
        return np.zeros(0)


class Unless:
    """What an optimizer gets unless its step is dropped: then it gets zeros.

    Args:
        dropped: Whether it is, a bool or a tensor ().
        seen: What it gets otherwise.
    """

    __slots__ = ("_dropped", "_seen")
    counted = False

    def __init__(self, dropped: Any, seen: Seen) -> None:
        self._dropped = dropped
        self._seen = seen

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        found = self._seen.column(place)
        return np.zeros_like(found) if bool(self._dropped) else found


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


NOTHING = Nothing()
