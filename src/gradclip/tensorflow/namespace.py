"""The core's verbs on TensorFlow tensors."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import EUCLIDEAN, Leaves
from gradclip.core.sequences import flatten_list, nonfinite_error
from gradclip.core.statistics import Look
from gradclip.errors import GradientTypeError
from gradclip.tensorflow import apply, bits, each, many, measure, on_host, statistics
from gradclip.tensorflow.arithmetic import TensorFlowArithmetic
from gradclip.tensorflow.branch import known


class TensorFlowNamespace:
    """TensorFlow's side of `gradclip.core.namespace.Namespace`, where each verb is described.

    Thresholds that are Python numbers stay Python numbers, so that they are checked in graphs too.
    """

    def precision(self, name: str | None) -> AbstractContextManager[object]:
        """Open a name scope."""
        scope: AbstractContextManager[object] = tf.name_scope(name or "gradclip")
        return scope

    def flatten(self, t_list: Iterable[Any]) -> Leaves:
        """Take a list apart."""
        return flatten_list(t_list)

    def tensor(self, t: Any, label: str) -> Any:
        """Return a floating or complex tensor, or IndexedSlices of such."""
        tensor = self._converted(t, label)
        if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
            msg = f"`{label}` must be floating or complex, got a tensor of {tensor.dtype.name}."
            raise GradientTypeError(msg)
        return tensor

    def numeric(self, t: Any, label: str) -> Any:
        """Return a tensor of real floating or integer numbers."""
        tensor = self._converted(t, label)
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
            msg = (
                f"`{label}` must be of real numbers, which have an order, got {tensor.dtype.name}."
            )
            raise GradientTypeError(msg)
        return tensor

    def size(self, t: Any) -> Any:
        """Return the number of entries, of the dense tensor if slices know its shape."""
        if isinstance(t, tf.IndexedSlices):
            if t.dense_shape is not None:
                return tf.maximum(tf.cast(tf.reduce_prod(t.dense_shape), tf.float64), 1.0)
            t = t.values
        if t.shape.is_fully_defined():
            return float(max(t.shape.num_elements(), 1))
        return tf.cast(tf.maximum(tf.size(t), 1), tf.float64)

    def unit_axes(self, t: Any) -> Any:
        """Return all axes but the last, which counts the outputs."""
        rank = t.shape.rank
        if rank is not None:
            return tuple(range(rank - 1)) if rank > 1 else None
        rank = tf.rank(t)
        return tf.range(tf.where(rank > 1, rank - 1, rank))

    def norm(self, t: Any, axes: Any = None, p: float = EUCLIDEAN) -> Any:
        """Return the float64 p-norm."""
        if axes is None and p == EUCLIDEAN and (found := on_host.global_norm([t])) is not None:
            return tf.constant(found, tf.float64)
        return measure.norm(t, axes) if p == EUCLIDEAN else measure.p_norm(t, p, axes)

    def norms(self, tensors: list[Any | None], p: float = EUCLIDEAN) -> Any:
        """Return the tensors' p-norms as one vector."""
        found = on_host.norms(tensors) if p == EUCLIDEAN else None
        return many.norms(tensors, p) if found is None else found

    def statistics(self, tensors: list[Any | None]) -> Look:
        """Return norms, largest moduli, and the numbers of non-finite entries and of zeros."""
        found = on_host.statistics(tensors) or statistics.statistics(tensors)
        return Look(lambda: found)

    def glance(self, tensors: list[Any | None]) -> None:
        """Return nothing: norms alone cost less here."""
        del tensors

    def magnitude(self, t: Any) -> Any:
        """Return the float64 moduli of the entries."""
        if isinstance(t, tf.IndexedSlices):
            t = tf.convert_to_tensor(t)
        return measure.magnitude(t)

    def global_norm(self, tensors: list[Any]) -> Any:
        """Return the norm of all tensors as one vector."""
        found = on_host.global_norm(tensors)
        return measure.global_norm(tensors) if found is None else found

    def combine(self, norms: list[Any]) -> Any:
        """Return the norm of the parts with these norms."""
        return measure.combine(norms)

    def wide(self, value: Any) -> Any:
        """Return a number as a float, a tensor or an array as float64."""
        if isinstance(value, int | float | np.number) or on_host.is_number(value):
            return float(value)
        if not (tf.is_tensor(value) or isinstance(value, tf.Variable)):
            value = np.asarray(value, np.float64)
        return bits.decode(tf.convert_to_tensor(value))

    def narrow(self, norm: Any, tensors: list[Any]) -> Any:
        """Return float32, or float64 if a tensor is."""
        dtype = tf.float64 if _has_float64(tensors) else tf.float32
        found = on_host.rounded(norm, dtype)
        return bits.encode(norm, dtype) if found is None else found

    def arithmetic(self, tensors: list[Any]) -> TensorFlowArithmetic:
        """Return the arithmetic that rounds as `narrow` does."""
        return TensorFlowArithmetic(double=_has_float64(tensors))

    def decidable(self, norm: Any, tensors: list[Any]) -> tuple[Any, Arithmetic]:
        """Return the norm as it is."""
        return tf.convert_to_tensor(norm, tf.float64), self.arithmetic(tensors)

    def total(self, norms: Any, tensors: list[Any], p: float = EUCLIDEAN) -> tuple[Any, Arithmetic]:
        """Return the p-norm of all tensors as it is."""
        return self.decidable(self.norm(norms, None, p), tensors)

    def blank(self, shape: tuple[int, ...], tensors: list[Any]) -> Any:
        """Return zeros."""
        del tensors
        return tf.zeros(shape, tf.float64)

    def take(self, vector: Any, indices: Any) -> Any:
        """Return some entries."""
        return tf.gather(vector, indices)

    def stack(self, scalars: list[Any]) -> Any:
        """Return a vector."""
        return tf.stack([tf.convert_to_tensor(x, tf.float64) for x in scalars])

    def reshape(self, array: Any, shape: tuple[int, ...]) -> Any:
        """Return the tensor in another shape."""
        return tf.reshape(array, shape)

    def truth(self, condition: Any) -> bool | None:
        """Return the value of a scalar condition, or None in a graph."""
        return known(condition)

    def require_finite(self, norms: list[Any], labels: list[str]) -> list[Any]:
        """Return the norms if they are finite; in a graph, assert it when they are computed."""
        finite = [tf.math.is_finite(norm) for norm in norms]
        if tf.executing_eagerly():
            bad = [label for label, good in zip(labels, finite, strict=True) if not good]
            if bad:
                raise nonfinite_error(bad)
            return norms
        pairs = zip(finite, labels, strict=True)
        checks = [
            tf.debugging.Assert(good, [str(nonfinite_error([label]))]) for good, label in pairs
        ]
        return after(checks, norms)

    def clamp(self, t: Any, low: Any, high: Any) -> Any:
        """Limit each entry to [low, high]."""
        return apply.clamp(t, low, high)

    def rescale(self, tensors: list[Any], factor: Any) -> list[Any]:
        """Multiply each by the factor."""
        return apply.rescale(tensors, factor)

    def rescale_each(self, tensors: list[Any | None], factors: Any) -> list[Any | None]:
        """Multiply each by its own factor."""
        return each.rescale_each(tensors, factors)

    def select(self, condition: Any, x: list[Any], y: list[Any]) -> list[Any]:
        """Return one of two lists."""
        return [
            tf.where(condition, *map(tf.convert_to_tensor, pair)) for pair in zip(x, y, strict=True)
        ]

    def zero_where(self, tensors: list[Any], conditions: list[Any]) -> list[Any]:
        """Return zeros in place of those whose condition holds."""
        pairs = zip(tensors, conditions, strict=True)
        return [apply.zero_where(t, bad) for t, bad in pairs]

    def _converted(self, t: Any, label: str) -> Any:
        if isinstance(t, tf.IndexedSlices):
            return t
        if isinstance(t, tf.RaggedTensor | tf.SparseTensor):
            msg = (
                f"`{label}` must be a dense tensor or IndexedSlices, got {type(t).__name__}. "
                "Pass its `flat_values` or `values`, which hold its entries."
            )
            raise GradientTypeError(msg)
        return tf.convert_to_tensor(t)


def after(checks: list[Any], tensors: list[Any]) -> list[Any]:
    """Return the tensors so that a graph computes them only after the checks."""
    with tf.control_dependencies(checks):
        return [tf.identity(tensor) for tensor in tensors]


def _has_float64(tensors: list[Any]) -> bool:
    return any(tensor.dtype in {tf.float64, tf.complex128} for tensor in tensors)
