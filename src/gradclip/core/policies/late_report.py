"""Reports whose vectors are made when somebody asks for them."""

from collections.abc import Callable
from typing import Any

from gradclip.core.namespace import Array
from gradclip.core.policies.report import Report
from gradclip.core.statistics import Statistics

Vectors = tuple[Array, Array, Statistics | None]
_NAMES = ("parts_before", "parts_after", "statistics")


class LateReport(Report):
    """A `Report` that makes its vectors at the first look at one of them.

    Args:
        make: Returns norms before, norms after and statistics; it is called once at most.
        **numbers: The other fields.
    """

    __slots__ = ("_make",)
    _make: Callable[[], Vectors]

    def __init__(self, make: Callable[[], Vectors], **numbers: Any) -> None:
        for name, value in numbers.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_make", make)

    def __getattr__(self, name: str) -> Any:
        # Python comes here where a field has no value yet.
        if name not in _NAMES:
            raise AttributeError(name)
        for field, value in zip(_NAMES, self._make(), strict=True):
            object.__setattr__(self, field, value)
        object.__delattr__(self, "_make")  # and what it holds
        return object.__getattribute__(self, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled as a plain report."""
        return _plain, tuple(getattr(self, field) for field in self.__dataclass_fields__)


def _plain(*values: Any) -> Report:
    """Return a report with these fields, in order."""
    return Report(**dict(zip(Report.__dataclass_fields__, values, strict=True)))
