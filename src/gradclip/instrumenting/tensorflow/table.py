"""Columns of many steps in one table, which are read together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True, eq=False)
class Column:
    """A part of one row.

    Attributes:
        table: The table, (N, L), which nobody writes to.
        row: The row.
        start: Where the part begins.
        stop: Where it ends.
    """

    table: NDArray[Any]
    row: int
    start: int
    stop: int

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        """Return the numbers."""
        del copy
        return np.array(self.table[self.row, self.start : self.stop], dtype=dtype)

    @property
    def form(self) -> tuple[int, int]:
        """What columns that are read at once have in common: where they are."""
        return self.start, self.stop

    @classmethod
    def joined(cls, columns: "Sequence[Sequence[Column]]") -> list[NDArray[Any]]:
        """Read C columns of N steps.

        Args:
            columns: Of each step C columns, the c-th of all at one place.

        Returns:
            C arrays (N, P).
        """
        rows = np.stack([each[0].table[each[0].row] for each in columns])
        return [rows[:, column.start : column.stop] for column in columns[0]]
