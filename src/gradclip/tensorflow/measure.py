"""Norms of TensorFlow tensors, right at every scale."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradclip.tensorflow import bits, slices
from gradclip.tensorflow.branch import choose, traced_once
from gradclip.tensorflow.bundles import bundle
from gradclip.tensorflow.euclidean import norm_of_bundles, root

_CHUNK = 64  # float64 entries that are added one after another
_EXPONENT = 0x7FF0000000000000  # the exponent's bits of a float64


def norm(tensor: Any, axes: Any = None) -> Any:
    """Return the float64 2-norm of a tensor, (), or over `axes`, which stay with length 1.

    Args:
        tensor: A tensor of numbers or IndexedSlices, whose repeated rows are summed first.
        axes: An int, ints or an int32 tensor; of IndexedSlices, axes of their values.

    Returns:
        The norm, of the moduli if complex; its gradient at 0 is 0.
    """
    if not isinstance(tensor, tf.IndexedSlices):
        return _norm(real_parts(tensor), axes)
    if axes is not None:
        return _norm(real_parts(slices.merge_in_place(tensor).values), axes)
    parts, indices = real_parts(tensor.values), tensor.indices
    return choose(
        slices.occur_twice(indices),
        lambda: _norm([slices.sum_rows(bits.decode(part), indices) for part in parts], None),
        lambda: _norm(parts, None),
    )


def p_norm(tensor: Any, p: float, axes: Any = None) -> Any:
    """Return the float64 p-norm, 0 < p <= inf, in the shape of `norm`."""
    if isinstance(tensor, tf.IndexedSlices):
        tensor = slices.merge_in_place(tensor).values
    moduli, keep = magnitude(tensor), axes is not None
    if p == math.inf:
        return largest(moduli, axes, keepdims=keep)
    return norm_of_moduli(moduli, p, axes, keepdims=keep)


def largest(moduli: Any, axes: Any, *, keepdims: bool) -> Any:
    """Return the largest of float64 moduli over `axes`, 0 for none."""
    return tf.maximum(tf.reduce_max(moduli, axes, keepdims=keepdims), 0.0)


def norm_of_moduli(moduli: Any, p: float, axes: Any, *, keepdims: bool) -> Any:
    """Return the p-norm of float64 moduli over `axes`, p finite."""
    # Divided by the largest, no power overflows, and what underflows is too small to be seen.
    most = largest(moduli, axes, keepdims=True)
    unit = tf.where(tf.math.is_finite(most) & (most > 0), most, tf.ones_like(most))
    total = tf.reduce_sum((moduli / unit) ** p, axes, keepdims=keepdims) ** (1 / p)
    return (unit if keepdims else tf.reshape(unit, tf.shape(total))) * total


def magnitude(tensor: Any) -> Any:
    """Return the float64 moduli of a tensor's entries."""
    if tensor.dtype.is_complex:
        return tf.abs(tf.cast(tensor, tf.complex128))
    return tf.abs(bits.decode(tensor))


def global_norm(tensors: list[Any]) -> Any:
    """Return the float64 2-norm () of all tensors as one vector, with one branch for all."""
    parts = [part for t in tensors if is_plain(t) for part in real_parts(t)]
    others = [norm(t) for t in tensors if not is_plain(t)]
    if not parts:
        return combine(others)
    usual = norm_of_bundles(bundle(parts))
    return combine([usual, *others]) if others else usual


def combine(norms: list[Any]) -> Any:
    """Return the norm of the parts with these float64 norms."""
    return _norm([tf.stack(norms)], None) if norms else tf.zeros([], tf.float64)


def real_parts(tensor: Any) -> list[Any]:
    """Return a real tensor alone, a complex one as its real and imaginary part."""
    if tensor.dtype.is_complex:
        return [tf.math.real(tensor), tf.math.imag(tensor)]
    return [tensor]


def is_plain(tensor: Any) -> bool:
    """Tell whether a tensor's entries can be squared in float64 as they are."""
    wide = tensor.dtype in {tf.float64, tf.complex128}
    return not (wide or isinstance(tensor, tf.IndexedSlices))


def _norm(parts: list[Any], axes: Any) -> Any:
    """Return the norm of real parts of one shape and type."""
    if parts[0].dtype == tf.float64:
        return _norm_near_one(parts, axes)
    if not bits.flushes(parts[0].dtype):
        return _root_of_squares([tf.cast(part, tf.float64) for part in parts], axes)
    if axes is None:
        return _whole_norm(parts)
    return _careful_norm(parts, axes)


def _careful_norm(parts: list[Any], axes: Any) -> Any:
    """Look at denormal numbers where the norm without them is so small that they may count."""
    usual = _root_of_squares([tf.cast(part, tf.float64) for part in parts], axes)
    return choose(
        tf.reduce_any(usual < bits.TINY),
        lambda: _root_of_squares([bits.decode(part) for part in parts], axes),
        lambda: usual,
    )


def _whole_norm(parts: list[Any]) -> Any:
    """Return the norm of whole parts, with the derivative written out: XLA refuses the branch's."""

    def whole(*entries: Any) -> tuple[Any, Callable[[Any], Any]]:
        norm = _norm_of_flat([tf.reshape(part, [-1]) for part in entries])

        def gradient(upstream: Any) -> list[Any]:
            share = tf.math.divide_no_nan(upstream, norm)
            return [bits.encode(share * bits.decode(part), part.dtype) for part in entries]

        return norm, gradient

    return tf.custom_gradient(whole)(*parts)


@traced_once
def _norm_of_flat(parts: list[Any]) -> Any:
    return _careful_norm(parts, None)


def _norm_near_one(parts: list[Any], axes: Any) -> Any:
    """Square float64 entries after an exact power of two has brought the largest near 1."""
    reduce_max = _over(tf.reduce_max, axes)
    largest = [reduce_max(tf.abs(tf.stop_gradient(part))) for part in parts]
    # An empty tensor's largest entry is -inf.
    power = _power_of_two(tf.maximum(tf.reduce_max(tf.stack(largest), 0), 0.0))
    near_one = [part * (1.0 / power) for part in parts]
    if axes is not None or tf.executing_eagerly():
        return _root_of_squares(near_one, axes) * power
    return root(tf.add_n([_sum_in_chunks(tf.square(part)) for part in near_one])) * power


def _sum_in_chunks(terms: Any) -> Any:
    """Sum float64 terms by a tree; XLA adds them one after another, which 1e-14 doesn't bear."""
    terms = tf.reshape(terms, [-1])
    while (length := terms.shape[0]) is not None and length > _CHUNK:
        padded = tf.pad(terms, [[0, -length % _CHUNK]])
        terms = tf.reduce_sum(tf.reshape(padded, [-1, _CHUNK]), 1)
    return tf.reduce_sum(terms)


def _power_of_two(magnitude: Any) -> Any:
    """Return the power of two below a magnitude; 1 for 0, inf and NaN."""
    pattern = tf.bitwise.bitwise_and(
        tf.bitcast(magnitude, tf.int64), tf.constant(_EXPONENT, tf.int64)
    )
    power = tf.bitcast(pattern, tf.float64)
    usable = (magnitude > 0) & tf.math.is_finite(magnitude)
    # The reciprocal of the largest powers would be a denormal number.
    return tf.where(usable, tf.clip_by_value(power, 2.0**-1000, 2.0**1000), 1.0)


def _root_of_squares(parts: list[Any], axes: Any) -> Any:
    if axes is None:  # the loss reads each part once and makes no temporary
        return root(2.0 * tf.add_n([tf.nn.l2_loss(part) for part in parts]))
    return root(tf.add_n([_over(tf.reduce_sum, axes)(tf.square(part)) for part in parts]))


def _over(reduce: Callable[..., Any], axes: Any) -> Callable[[Any], Any]:
    return lambda part: reduce(part, axis=axes, keepdims=axes is not None)
