"""What the core needs of a framework: the verbs that its functions are written in."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from gradclip.core.arithmetic import Arithmetic
    from gradclip.core.statistics import Look

Array = Any  # an array of any framework, or a float
EUCLIDEAN = 2.0  # the p of the norm that is meant where none is named


class Leaves(NamedTuple):
    """A list of gradients, or another structure that holds them, taken apart."""

    tensors: list[Array | None]  # None where there is no gradient
    labels: list[str]  # what an error calls each of them
    rebuild: Callable[[list[Array | None]], Any]  # puts them into the structure again


class Namespace(Protocol):
    """The verbs of one framework.

    *Wide* is the precision that norms are computed and compared in: float64, or the widest
    type of the device. A factor of exactly 1 leaves a tensor's bits alone.
    """

    def precision(self, name: str | None) -> AbstractContextManager[object]:
        """Open the scope in which wide arithmetic is possible; `name` labels it in a graph."""

    def flatten(self, t_list: Iterable[Array | None]) -> Leaves:
        """Take a structure of gradients apart, reading an iterator once."""

    def tensor(self, t: Array, label: str) -> Array:
        """Return `t` as a tensor; raise `GradientTypeError` unless it is floating or complex."""

    def numeric(self, t: Array, label: str) -> Array:
        """Return `t` as a tensor whose entries can be compared."""

    def size(self, t: Array) -> Array:
        """Return the number of entries, at least 1, as a number or a wide scalar."""

    def unit_axes(self, t: Array) -> tuple[int, ...] | None:
        """Return the axes that one unit (row, filter) extends over; None for the whole tensor."""

    def norm(self, t: Array, axes: Any = None, p: float = EUCLIDEAN) -> Array:
        """Return the wide p-norm of `t`, (); with `axes`, over these, which stay with length 1."""

    def norms(self, tensors: list[Array | None], p: float = EUCLIDEAN) -> Array:
        """Return the wide p-norms (T,) of T tensors, 0 for None, reading each once."""

    def statistics(self, tensors: list[Array | None]) -> "Look":
        """Return what one look at T tensors finds, 0 for None.

        Moduli are NaN where an entry is; counts are int64 or the widest integer that there is.
        """

    def glance(self, tensors: list[Array | None]) -> "Look | None":
        """Return the same where it costs no more than the 2-norms alone; None elsewhere."""

    def magnitude(self, t: Array) -> Array:
        """Return the wide moduli of the entries, in the shape of `t`."""

    def global_norm(self, tensors: list[Array]) -> Array:
        """Return the wide 2-norm () of all tensors as one vector; 0 for none."""

    def combine(self, norms: list[Array]) -> Array:
        """Return the wide norm () of the parts whose norms are given; 0 for none."""

    def wide(self, value: Array) -> Array:
        """Return a number or a scalar tensor in wide precision."""

    def narrow(self, norm: Array, tensors: list[Array]) -> Array:
        """Return a wide norm as users get it: float64 if any tensor is, else float32."""

    def arithmetic(self, tensors: list[Array]) -> "Arithmetic":
        """Return the arithmetic on norms of these tensors, whose types tell what it rounds to."""

    def decidable(self, norm: Array, tensors: list[Array]) -> tuple[Array, "Arithmetic"]:
        """Return a wide norm where it is decided on: a float, if it is () and on the host."""

    def total(
        self, norms: Array, tensors: list[Array], p: float = EUCLIDEAN
    ) -> tuple[Array, "Arithmetic"]:
        """Return the p-norm of these tensors as one, whose own are (T,), where it is decided on."""

    def blank(self, shape: tuple[int, ...], tensors: list[Array]) -> Array:
        """Return a wide array where norms of these tensors are; only its shape counts."""

    def take(self, vector: Array, indices: Any) -> Array:
        """Return the entries of a vector (T,) at an int or at nested lists of ints."""

    def stack(self, scalars: list[Array]) -> Array:
        """Return wide scalars () or numbers, at least one, as a vector."""

    def reshape(self, array: Array, shape: tuple[int, ...]) -> Array:
        """Return an array in another shape."""

    def truth(self, condition: Array) -> bool | None:
        """Return a scalar condition's value if it is known without waiting, else None."""

    def require_finite(self, norms: list[Array], labels: list[str]) -> list[Array]:
        """Return the norms; raise `NonFiniteGradientError`, naming the labels, if one is not."""

    def clamp(self, t: Array, low: Array | None, high: Array | None) -> Array:
        """Limit each entry to [low, high]; NaN stays NaN. Either bound may be None."""

    def rescale(self, tensors: list[Array], factor: Array) -> list[Array]:
        """Multiply by a wide factor, () or broadcastable; exactly 1 and 0 select."""

    def rescale_each(self, tensors: list[Array | None], factors: Array) -> list[Array | None]:
        """Multiply each of T tensors by its own wide factor of (T,); None stays None."""

    def select(self, condition: Array, x: list[Array], y: list[Array]) -> list[Array]:
        """Return the tensors `x` if a scalar condition holds, else `y`, of equal shapes."""

    def zero_where(self, tensors: list[Array], conditions: list[Array]) -> list[Array]:
        """Return zeros in place of each tensor whose scalar condition holds."""
