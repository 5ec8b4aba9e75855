"""The core's verbs on NumPy arrays."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.floats import Floats
from gradclip.core.namespace import EUCLIDEAN, Leaves
from gradclip.core.sequences import flatten_list, nonfinite_error
from gradclip.core.statistics import Look
from gradclip.errors import GradientTypeError
from gradclip.kernels import cpu
from gradclip.numpy import apply, measure, on_host
from gradclip.numpy.arithmetic import NumpyArithmetic
from gradclip.numpy.measure import NDAny

# Types of the package ml_dtypes (bfloat16, float8) are of NumPy's kind "V", void.
_EXTENSION_FLOATS = ("bfloat16", "float8_", "float6_", "float4_")


_FLOATS = (Floats(), Floats(double=True))


_COLUMNS = (cpu.Column.NORMS, cpu.Column.LARGEST, cpu.Column.NONFINITE, cpu.Column.ZEROS)


class NumpyNamespace:
    """NumPy's side of `gradclip.core.namespace.Namespace`, where each verb is described."""

    def precision(self, name: str | None) -> AbstractContextManager[object]:
        """Silence floating-point warnings: what overflows or is invalid is part of the result."""
        del name
        return np.errstate(all="ignore")

    def flatten(self, t_list: Iterable[Any]) -> Leaves:
        """Take a list apart."""
        return flatten_list(t_list)

    def tensor(self, t: Any, label: str) -> NDAny:
        """Return a floating or complex array."""
        array = np.asarray(t)
        extension = array.dtype.kind == "V" and array.dtype.name.startswith(_EXTENSION_FLOATS)
        if array.dtype.kind not in "fc" and not extension:
            msg = f"`{label}` must be floating or complex, got an array of {array.dtype}."
            raise GradientTypeError(msg)
        return array

    def numeric(self, t: Any, label: str) -> NDAny:
        """Return an array of real floating numbers."""
        array = self.tensor(t, label)
        if array.dtype.kind == "c":
            msg = f"`{label}` must be real, since complex numbers have no order, got {array.dtype}."
            raise GradientTypeError(msg)
        return array

    def size(self, t: NDAny) -> float:
        """Return the number of entries, at least 1."""
        return max(t.size, 1)

    def unit_axes(self, t: NDAny) -> tuple[int, ...] | None:
        """Return all axes but the last, which counts the outputs."""
        return tuple(range(t.ndim - 1)) if t.ndim > 1 else None

    def norm(self, t: NDAny, axes: Any = None, p: float = EUCLIDEAN) -> NDAny:
        """Return the wide p-norm."""
        axes = tuple(axes) if isinstance(axes, list) else axes
        return measure.norm(t, axes) if p == EUCLIDEAN else measure.p_norm(t, p, axes)

    def norms(self, tensors: list[NDAny | None], p: float = EUCLIDEAN) -> NDAny:
        """Return the tensors' p-norms as one vector."""
        if p == EUCLIDEAN and (found := _in_one_pass(tensors, cpu.What.SQUARES)) is not None:
            return _column(found, cpu.Column.NORMS, tensors)
        zero = np.zeros(())
        return np.array([zero if t is None else self.norm(t, None, p) for t in tensors])

    def statistics(self, tensors: list[NDAny | None]) -> Look:
        """Return norms, largest moduli, and the numbers of non-finite entries and of zeros."""
        found = _in_one_pass(tensors, cpu.What.EVERYTHING)
        if found is not None:
            norms, largest, *counts = (_column(found, column, tensors) for column in _COLUMNS)
            return Look(lambda: (norms, largest, counts[0], counts[1]))
        rows = [measure.everything(t) if t is not None else (0.0,) * 4 for t in tensors]
        norms, largest, nonfinite, zeros = np.array(rows).reshape(-1, 4).T
        return Look(lambda: (norms, largest, nonfinite.astype(np.int64), zeros.astype(np.int64)))

    def glance(self, tensors: list[NDAny | None]) -> None:
        """Return nothing: norms alone cost less here."""
        del tensors

    def magnitude(self, t: NDAny) -> NDAny:
        """Return the moduli of the entries."""
        return measure.magnitudes(t)

    def global_norm(self, tensors: list[NDAny]) -> NDAny:
        """Return the norm of all tensors as one vector."""
        return measure.norm(self.norms([*tensors])) if tensors else np.zeros(())

    def combine(self, norms: list[NDAny]) -> NDAny:
        """Return the norm of the parts with these norms."""
        return measure.norm(np.stack(norms)) if norms else np.zeros(())

    def wide(self, value: Any) -> NDAny:
        """Return a float64 array."""
        return np.asarray(value, dtype=np.result_type(np.asarray(value).dtype, np.float64))

    def narrow(self, norm: NDAny, tensors: list[NDAny]) -> Any:
        """Return float32, or the widest type among the tensors."""
        return norm.astype(_norm_type(tensors))[()]

    def arithmetic(self, tensors: list[NDAny]) -> NumpyArithmetic:
        """Return the arithmetic that rounds as `narrow` does."""
        return NumpyArithmetic(_norm_type(tensors))

    def decidable(self, norm: Any, tensors: list[NDAny]) -> tuple[Any, Arithmetic]:
        """Return a float for a norm (), an array as it is."""
        given = _norm_type(tensors)
        if np.ndim(norm) or given.itemsize > np.dtype(np.float64).itemsize:
            return norm, NumpyArithmetic(given)
        return float(norm), _FLOATS[given == np.float64]

    def total(
        self, norms: NDAny, tensors: list[NDAny], p: float = EUCLIDEAN
    ) -> tuple[Any, Arithmetic]:
        """Return the p-norm of all tensors, a float where it fits."""
        return self.decidable(self.norm(norms, None, p), tensors)

    def blank(self, shape: tuple[int, ...], tensors: list[NDAny]) -> NDAny:
        """Return zeros."""
        del tensors
        return np.zeros(shape)

    def take(self, vector: NDAny, indices: Any) -> NDAny:
        """Return some entries."""
        return np.asarray(vector[np.asarray(indices, dtype=np.intp)])

    def stack(self, scalars: list[Any]) -> NDAny:
        """Return a vector."""
        return np.array(scalars, dtype=np.float64)

    def reshape(self, array: NDAny, shape: tuple[int, ...]) -> NDAny:
        """Return the array in another shape."""
        return array.reshape(shape)

    def truth(self, condition: Any) -> bool | None:
        """Return the value of a scalar condition, which is always known here."""
        return bool(np.all(condition))

    def require_finite(self, norms: list[NDAny], labels: list[str]) -> list[NDAny]:
        """Return the norms if they are finite."""
        bad = [label for norm, label in zip(norms, labels, strict=True) if not np.isfinite(norm)]
        if bad:
            raise nonfinite_error(bad)
        return norms

    def clamp(self, t: NDAny, low: Any, high: Any) -> NDAny:
        """Limit each entry to [low, high]."""
        return apply.clamp(t, low, high)

    def rescale(self, tensors: list[NDAny], factor: NDAny) -> list[NDAny]:
        """Multiply each by the factor."""
        return [apply.rescale(t, factor) for t in tensors]

    def rescale_each(self, tensors: list[NDAny | None], factors: NDAny) -> list[NDAny | None]:
        """Multiply each by its own factor."""
        pairs = zip(tensors, factors, strict=True)
        return [None if t is None else apply.rescale(t, np.asarray(f)) for t, f in pairs]

    def select(self, condition: Any, x: list[NDAny], y: list[NDAny]) -> list[NDAny]:
        """Return one of two lists."""
        return x if condition else y

    def zero_where(self, tensors: list[NDAny], conditions: list[Any]) -> list[NDAny]:
        """Return zeros in place of those whose condition holds."""
        pairs = zip(tensors, conditions, strict=True)
        return [np.zeros_like(t) if bad else t for t, bad in pairs]


def _in_one_pass(tensors: list[NDAny | None], what: cpu.What) -> cpu.Found | None:
    """Return what the C library finds of those that there are; None if it cannot read them."""
    table = on_host.table([t for t in tensors if t is not None])
    return None if table is None else table.measure(what, cpu.usual_threads())


def _column(found: cpu.Found, column: cpu.Column, tensors: list[NDAny | None]) -> NDAny:
    """Return a column (T,), 0 where there is None."""
    kind = np.float64 if column in {cpu.Column.NORMS, cpu.Column.LARGEST} else np.int64
    present = np.frombuffer(found.memory, kind, found.length, found.offset(column))
    if found.length == len(tensors):
        return present
    places = np.zeros(len(tensors), kind)
    places[[i for i, t in enumerate(tensors) if t is not None]] = present
    return places


def _norm_type(tensors: list[NDAny]) -> np.dtype[Any]:
    """Return the type in which users get norms: float32, or the widest among the tensors."""
    types = [t.real.dtype for t in tensors if t.dtype.kind in "fc"]
    return np.result_type(np.float32, *types)
