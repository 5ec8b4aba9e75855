"""What policies calculate with: norms as floats, or as small arrays of any framework."""

from typing import Any, Protocol, TypeVar

from gradclip.core.namespace import Array

State = Any  # NamedTuples of arrays, nested: a pytree to JAX, a nest to TensorFlow
_State = TypeVar("_State")

LARGEST = float.fromhex("0x1.fffffep+127")  # float32's largest number, the most that a state holds
SMALLEST = 2.0**-126  # float32's smallest normal number; what is less is stored as 0


class Arithmetic(Protocol):
    """Arithmetic in wide precision on norms of any shape.

    Operators do the rest. Conditions are combined with `&` and `|` and never inverted, since `~`
    of a Python bool is no bool.
    """

    def sqrt(self, x: Array) -> Array:
        """Return the square root by entry."""

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Choose by entry; every value may be a Python number."""

    def isfinite(self, x: Array) -> Array:
        """Tell by entry whether `x` is neither NaN nor infinite."""

    def any(self, condition: Array) -> Array:
        """Return whether a condition holds for any entry, ()."""

    def wide(self, value: Array) -> Array:
        """Return a number or tensor () in wide precision."""

    def rounded(self, x: Array) -> Array:
        """Round to the precision in which users get norms, still wide."""

    def load(self, stored: Array) -> Array:
        """Return an entry of a stored state in wide precision."""

    def store(self, x: Array) -> Array:
        """Return an entry of a state as float32, in [-LARGEST, LARGEST], denormals as 0."""

    def zeros(self, like: Array, length: int | None = None) -> Array:
        """Return wide zeros shaped like a norm, or `length` of them along a new first axis."""

    def put(self, window: Array, position: Array, value: Array) -> Array:
        """Return the window (W, ...) with the value (...) at a position (...) of its first axis."""

    def quantile(self, window: Array, count: Array, q: float) -> Array:
        """Return the quantile (...) of the first `count` (...) entries, interpolated linearly.

        Where `count` is 0 the result is finite and means nothing.
        """


def is_scalar(value: Array) -> bool:
    """Tell whether a value is a number or has the shape ()."""
    return len(getattr(value, "shape", ())) == 0


def map_state(function: Any, *states: _State) -> _State:
    """Apply a function to the entries of states of one structure.

    Args:
        function: What to do with the entries in one place, one of each state.
        *states: Tuples and NamedTuples, nested.

    Returns:
        A state of that structure.

    Example:
        >>> map_state(lambda x, y: x + y, (1, (2, 3)), (10, (20, 30)))
        (11, (22, 33))
    """
    first: Any = states[0]
    if not isinstance(first, tuple):
        mapped: _State = function(*states)
        return mapped
    entries = [map_state(function, *each) for each in zip(*states, strict=True)]
    result: Any = type(first)(*entries) if hasattr(first, "_fields") else tuple(entries)
    return result  # type: ignore[no-any-return]  # of the first state's type
