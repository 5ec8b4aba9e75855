"""What is seen of a step within a program, packed into one array with a static layout."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable


class Form(NamedTuple):
    """A parameter's shape and type."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What an array of what was seen holds.

    Attributes:
        names: The parameters' names, P of them.
        shapes: The parameters' shapes and types.
        columns: Names of the vectors (P,) that come first.
        numbers: Names of the numbers that follow.
        source: Which transformation made the step; None where gradients were computed.
        optimizer: What it is, in a word or two.
        batches: Whether gradients are the "mean" or the "sum" of several batches', or None.
        loop: Numbers of the loops that stacked it, outermost first.
        taker: Whom a row and this layout are told, where it is no step of JAX's or optax's own.
    """

    names: tuple[str, ...]
    shapes: tuple[Form, ...]
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    source: int | None = None
    optimizer: str = ""
    batches: str | None = None
    loop: tuple[int, ...] = ()
    taker: "Callable[[Packed, int, Layout], None] | None" = None

    @cached_property
    def places(self) -> tuple[tuple[str, slice], ...]:
        """Where all vectors are."""
        length = len(self.names)
        return tuple((n, slice(i * length, (i + 1) * length)) for i, n in enumerate(self.columns))

    @cached_property
    def _hash(self) -> int:
        return hash((self.names, self.columns, self.numbers, self.source, self.optimizer))

    def __hash__(self) -> int:
        return self._hash  # each call of a compiled function asks for it

    def column(self, name: str) -> slice | None:
        """Return where a vector is; None if it was not seen."""
        if name not in self.columns:
            return None
        start = self.columns.index(name) * len(self.names)
        return slice(start, start + len(self.names))

    def number(self, name: str) -> int | None:
        """Return where a number is; None if it was not seen."""
        if name not in self.numbers:
            return None
        return len(self.columns) * len(self.names) + self.numbers.index(name)


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True, slots=True)
class Seen:
    """One array that a compiled function returns besides its own, or N of them, stacked."""

    packed: Any  # (..., columns * P + numbers), float32
    layout: Layout

    def tree_flatten(self) -> tuple[tuple[Any], Layout]:
        """Return what JAX sees of it."""
        return (self.packed,), self.layout

    @classmethod
    def tree_unflatten(cls, layout: Layout, children: tuple[Any]) -> "Seen":
        """Return it with another array."""
        return cls(children[0], layout)


class Packed:
    """An array on its way to the host, which the first who reads it waits for.

    Args:
        array: The array, (..., L); of JAX or of NumPy.
        measured: Whether weights and updates were looked at.
    """

    def __init__(self, array: Any, *, measured: bool = True) -> None:
        self._array = array
        self.measured = measured

    @property
    def ready(self) -> bool:
        """Whether it can be read without waiting."""
        return not hasattr(self._array, "is_ready") or bool(self._array.is_ready())

    @cached_property
    def rows(self) -> NDArray[Any]:
        """What it holds, (N, L)."""
        array, self._array = self._array, None
        if not getattr(array, "is_fully_addressable", True):
            array = array.addressable_data(0)
        entries = np.asarray(array)
        return entries.reshape(-1, entries.shape[-1])


@dataclass(slots=True)  # not frozen: a step makes several, which would take three times as long
class Number:
    """A number to be read later, or the sum of several, or a part of it."""

    parts: tuple[tuple[Packed, int, int], ...] = field(default=())
    divisor: int = 1

    def __float__(self) -> float:
        if len(self.parts) == 1:
            packed, row, place = self.parts[0]
            return float(packed.rows[row, place])
        total = sum(float(packed.rows[row, place]) for packed, row, place in self.parts)
        return float(total / self.divisor)

    def __bool__(self) -> bool:
        return float(self) != 0

    def __add__(self, other: "Number") -> "Number":
        return Number(self.parts + other.parts)
