"""Vectors in tables of many steps, which nobody looks at before they are written."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence


class Rows(Protocol):
    """What has a table; asking for it may wait for a device."""

    @property
    def rows(self) -> NDArray[Any]:
        """The table, (N, L), which nobody writes to."""
        ...


class Table(NamedTuple):
    """A table that is there already.

    Attributes:
        rows: The table, (N, L).
    """

    rows: NDArray[Any]


@dataclass(slots=True, eq=False)  # not frozen: a step makes several, at a third of the time
class Column:
    """A part of one row.

    Attributes:
        source: What has the table.
        row: The row.
        place: Which part of it.
    """

    source: Rows
    row: int
    place: slice

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        """Return the vector."""
        del copy
        return np.array(self.source.rows[self.row, self.place], dtype=dtype)

    @property
    def form(self) -> tuple[int, int]:
        """What columns that are read at once have in common: where they are."""
        return self.place.start, self.place.stop

    @classmethod
    def joined(cls, columns: "Sequence[Sequence[Column]]") -> list[NDArray[Any]]:
        """Read C columns of N steps.

        Args:
            columns: Of each step C columns, the c-th of all at one place.

        Returns:
            C arrays (N, P).
        """
        tables: dict[tuple[tuple[int, int], ...], NDArray[Any]] = {}
        found = []
        for same in zip(*columns, strict=True):
            key = tuple((id(each.source), each.row) for each in same)
            if key not in tables:
                tables[key] = np.stack([each.source.rows[each.row] for each in same])
            found.append(tables[key][:, same[0].place])
        return found
