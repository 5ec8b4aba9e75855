"""Tables of tensors that the C library reads and writes."""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from itertools import repeat
from typing import Any, NamedTuple

from gradclip.kernels.cpu.library import library

_HEAD = 32  # bytes: four numbers of all tensors
_ROW = 40  # bytes of a tensor: four wide columns and two narrow ones


class Type(IntEnum):
    """The types of entries, numbered as in passes.h."""

    FLOAT32 = 0
    FLOAT64 = 1
    FLOAT16 = 2
    BFLOAT16 = 3


class What(IntEnum):
    """What to look for, as in passes.h."""

    SQUARES = 0
    LARGEST = 1
    EVERYTHING = 2


class Found(NamedTuple):
    """What was measured of T tensors, column by column, as the library wrote it.

    Columns that were not asked for hold nothing of meaning.

    Attributes:
        memory: Four float64 of all tensors as one, then the columns.
        length: T.
    """

    memory: "array[float]"
    length: int

    @property
    def global_norm(self) -> float:
        """The norm of all tensors as one vector; NaN if an entry is, else inf if one is."""
        return self.memory[0]

    @property
    def largest(self) -> float:
        """The largest magnitude of all; NaN if an entry is."""
        return self.memory[1]

    def offset(self, column: "Column") -> int:
        """Return where a column starts, in bytes."""
        wide = min(column, Column.SINGLE_NORMS)
        return _HEAD + self.length * (8 * wide + 4 * (column - wide))


class Column(IntEnum):
    """The columns, in the order in which write_columns of table.c writes them."""

    NORMS = 0  # float64
    LARGEST = 1  # float64
    NONFINITE = 2  # int64
    ZEROS = 3  # int64
    SINGLE_NORMS = 4  # float32
    SINGLE_LARGEST = 5  # float32


class Table:
    """Where the entries of T tensors lie, each tensor's side by side.

    Whoever makes a table keeps the tensors alive while it is used.

    Args:
        addresses: The address of each tensor's first entry.
        counts: Its number of entries.
        types: Its `Type`; bytes of length 1 stand for all.

    Example:
        >>> from array import array
        >>> from gradclip.kernels import cpu
        >>> entries = array("f", [3.0, -4.0, 0.0])
        >>> table = cpu.Table([entries.buffer_info()[0]], [3], bytes([0]))
        >>> if cpu.available():
        ...     found = table.measure()
        ...     assert (found.global_norm, found.largest) == (5.0, 4.0)
    """

    __slots__ = ("_addresses", "_arguments", "_counts", "_types")

    def __init__(self, addresses: Sequence[int], counts: Sequence[int], types: bytes) -> None:
        length = len(addresses)
        self._addresses = array("Q", addresses)
        self._counts = array("q", counts)
        self._types = types * length if len(types) == 1 else types
        self._arguments: tuple[Any, ...] = (
            self._addresses.buffer_info()[0],
            self._counts.buffer_info()[0],
            self._types,
            length,
        )

    @property
    def double(self) -> bool:
        """Whether a tensor is of float64."""
        return Type.FLOAT64 in self._types

    def move(self, addresses: Sequence[int]) -> None:
        """Be the table of other tensors with the same numbers and types of entries.

        Args:
            addresses: The address of each one's first entry.

        Example:
            >>> from array import array
            >>> from gradclip.kernels import cpu
            >>> first, second = array("f", [3.0]), array("f", [4.0])
            >>> table = cpu.Table([first.buffer_info()[0]], [1], bytes([0]))
            >>> table.move([second.buffer_info()[0]])
            >>> if cpu.available():
            ...     assert table.measure().global_norm == 4.0
        """
        self._addresses[:] = array("Q", addresses)  # of one length: they stay where they are

    def measure(self, what: What = What.EVERYTHING, threads: int = 1) -> Found:
        """Read every entry once.

        Sums of squares are exact to float64's rounding: the result depends neither on the number
        of threads nor on how the entries are shared out to tensors.

        Args:
            what: What to look for.
            threads: How many threads to use at most; small tables are read by one.

        Returns:
            What was found.

        Raises:
            MemoryError: There was none for 80 bytes per 65,536 entries.
        """
        length = len(self._addresses)
        memory = array("d", bytes(_HEAD + _ROW * length))
        if library().gradclip_measure(*self._arguments, what, threads, memory.buffer_info()[0]):
            raise MemoryError
        return Found(memory, length)

    def scale(self, factors: "float | Sequence[float]", threads: int = 1) -> None:
        """Multiply every tensor in place: 1 leaves it alone, 0 gives zeros, NaN gives NaN.

        Args:
            factors: One for all tensors, or one for each.
            threads: As in `measure`.

        Raises:
            MemoryError: There was none; nothing was changed.
        """
        length = len(self._addresses)
        each = array("d", repeat(factors, length) if isinstance(factors, float) else factors)
        if library().gradclip_scale(*self._arguments, each.buffer_info()[0], threads):
            raise MemoryError
