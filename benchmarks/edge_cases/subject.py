"""What is compared: one function of one framework, eager or compiled."""

from typing import NamedTuple

from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array


class NotOfferedError(Exception):
    """Say that the framework has nothing that could be compared."""


class Outcome(NamedTuple):
    """What came out of a clip.

    Attributes:
        norm: The norm that was reported; None if the function reports none.
        arrays: The clipped gradients, None in place.
    """

    norm: float | None
    arrays: Arrays


class Subject:
    """A clipping function on NumPy arrays; what is not overridden is not offered."""

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        """Clip a list by its global norm."""
        del arrays, limit
        raise NotOfferedError

    def clip_at(self, array: Array, limit: float) -> Outcome:
        """Clip a list of one, where compiled with a threshold that is not known beforehand."""
        return self.clip([array], limit)

    def clip_one(self, array: Array, limit: float) -> Outcome:
        """Clip one tensor by its own norm."""
        del array, limit
        raise NotOfferedError

    def measure(self, arrays: Arrays) -> float:
        """Return the global norm of a list."""
        norm = self.clip(arrays, float("inf")).norm
        if norm is None:
            raise NotOfferedError
        return norm

    def clip_rows(self, values: Array, limit: float) -> Outcome:
        """Clip a sparse gradient in which all rows are row 1; return it dense, 4 rows."""
        del values, limit
        raise NotOfferedError

    def clip_tied(self, array: Array, limit: float) -> Outcome:
        """Clip the gradient of one parameter that is given twice."""
        del array, limit
        raise NotOfferedError

    def derivative(self, array: Array, limit: float) -> Array:
        """Return the derivative of the sum of the clipped array."""
        del array, limit
        raise NotOfferedError
