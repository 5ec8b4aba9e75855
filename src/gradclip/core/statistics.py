"""What one look at gradients tells of each of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gradclip.core.namespace import Array

Columns = tuple[Array, Array, Array, Array]


class Statistics(NamedTuple):
    """What `gradient_statistics` found of T tensors; a pytree to JAX, a nest to TensorFlow.

    Where there is None in place of a gradient, its entries are 0. Of sparse tensors the stored
    entries count, rows that occur twice summed first.

    Attributes:
        global_norm: The 2-norm of all tensors as one vector, ().
        norms: Each tensor's 2-norm, (T,); inf or NaN where an entry is.
        largest: Each tensor's largest modulus, (T,); inf where an entry is, NaN where one is.
        nonfinite: Each tensor's number of entries that are NaN or infinite, (T,), integers.
        zeros: Each tensor's number of entries that are 0 or -0, (T,), integers.

    Example:
        >>> import numpy as np, gradclip
        >>> found = gradclip.gradient_statistics([np.array([3.0, 0.0, -4.0]), None])
        >>> float(found.global_norm), found.largest, found.zeros
        (5.0, array([4., 0.]), array([1, 0]))
    """

    global_norm: Array
    norms: Array
    largest: Array
    nonfinite: Array
    zeros: Array


class Look:
    """What one look at T tensors found: columns, which are made when somebody asks for one.

    Args:
        make: Returns wide 2-norms; largest moduli, exactly; and the numbers of non-finite entries
            and of zeros, (T,) each. It is called once at most, and holds no tensor.
        total: The wide 2-norm of all tensors as one vector, (), if it is known already.
        rows: What the framework found the tensors by, for it to find them again within the step.

    Example:
        >>> look = Look(lambda: ([5.0], [4.0], [0], [1]))
        >>> look.norms
        [5.0]
    """

    __slots__ = ("_columns", "_make", "rows", "total")

    def __init__(
        self, make: Callable[[], Columns], total: Array | None = None, rows: Any = None
    ) -> None:
        self._make = make
        self._columns: Columns | None = None
        self.total = total
        self.rows = rows

    @property
    def columns(self) -> Columns:
        """All four."""
        if self._columns is None:
            self._columns = self._make()
        return self._columns

    @property
    def norms(self) -> Array:
        """The wide 2-norms."""
        return self.columns[0]
