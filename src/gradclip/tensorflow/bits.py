"""Exact conversions to and from float64, denormals included.

TensorFlow's CPU kernels read and write denormal numbers as 0, eagerly, in functions and under
XLA alike. What moves bits only (`bitcast`, `where`, `identity`) keeps them, so that denormals are
taken apart and put together here as integers.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

SMALLEST_NORMAL = 2.0**-126  # of float32 and bfloat16; anything below it is flushed
# A norm below this bound could be made of flushed entries to a degree that shows: 2**31 entries
# of 2**-126 have the norm 2**-110.5.
TINY = 2.0**-75
_NARROW = (tf.float32, tf.bfloat16)
_MAGNITUDE = 0x7FFFFFFF  # all bits of a float32 but the sign
_SIGN = -0x80000000
_INFINITY = 0x7F800000  # those of infinity; NaN's are above
_FIRST_NORMAL = 0x00800000  # the bits of the smallest normal float32


def flushes(dtype: Any) -> bool:
    """Tell whether entries of this real type can be denormal numbers that kernels flush."""
    return dtype in _NARROW


def decode(values: Any) -> Any:
    """Return real values as float64, exactly.

    Args:
        values: A real tensor of any type.

    Returns:
        The float64 tensor; its gradient is that of a cast.
    """
    if not flushes(values.dtype):
        return tf.cast(values, tf.float64)

    def decoded(entries: Any) -> tuple[Any, Callable[[Any], Any]]:
        return _decode(entries), lambda upstream: tf.cast(upstream, entries.dtype)

    return tf.custom_gradient(decoded)(values)


def encode(wide: Any, dtype: Any) -> Any:
    """Round float64 values to a real type with one rounding, denormals included.

    Args:
        wide: A float64 tensor.
        dtype: The type to round to.

    Returns:
        The tensor of that type; its gradient is that of a cast.
    """
    if not flushes(dtype):
        return tf.cast(wide, dtype)

    def encoded(entries: Any) -> tuple[Any, Callable[[Any], Any]]:
        return _encode(entries, dtype), lambda upstream: decode(upstream)

    return tf.custom_gradient(encoded)(wide)


def less(x: Any, y: Any) -> Any:
    """Compare floating values by entry, denormals included; nothing is less than NaN.

    Args:
        x: A float32 or bfloat16 tensor.
        y: One of the same type.

    Returns:
        A bool tensor.
    """
    first, second = _order(x), _order(y)
    comparable = (tf.abs(first) <= _INFINITY) & (tf.abs(second) <= _INFINITY)
    return comparable & (first < second)


def select(condition: Any, x: Any, y: Any) -> Any:
    """Choose by entry as `tf.where` does, without XLA's making a maximum of it, which flushes.

    Args:
        condition: A bool tensor of the shape of `y`.
        x: Entries for where it holds, broadcastable to `y`.
        y: Entries of the same type for where it does not.

    Returns:
        A tensor shaped like `y`; its gradient is that of `tf.where`.
    """
    integers = tf.int32 if y.dtype == tf.float32 else tf.int16

    def selected(first: Any, second: Any) -> tuple[Any, Callable[[Any], Any]]:
        chosen = tf.where(condition, tf.bitcast(first, integers), tf.bitcast(second, integers))

        def gradient(upstream: Any) -> tuple[Any, Any]:
            zeros = tf.zeros_like(upstream)
            return tf.where(condition, upstream, zeros), tf.where(condition, zeros, upstream)

        return tf.bitcast(chosen, second.dtype), gradient

    return tf.custom_gradient(selected)(tf.broadcast_to(x, tf.shape(y)), y)


def is_zero(values: Any) -> Any:
    """Tell which real entries are 0 or -0; a denormal number is not, where it can be told."""
    if not flushes(values.dtype):
        return tf.equal(values, 0)
    return tf.equal(tf.bitwise.bitwise_and(_pattern(values), _MAGNITUDE), 0)


def _order(values: Any) -> Any:
    """Return integers that compare as floating values do; -0 equals 0."""
    pattern = _pattern(values)
    magnitude = tf.bitwise.bitwise_and(pattern, _MAGNITUDE)
    return tf.where(pattern < 0, -magnitude, magnitude)


def _pattern(values: Any) -> Any:
    """Return the bits of float32 or bfloat16 values as those of float32, in an int32."""
    if values.dtype == tf.float32:
        return tf.bitcast(values, tf.int32)
    return tf.bitwise.left_shift(tf.cast(tf.bitcast(values, tf.uint16), tf.int32), 16)


def _decode(values: Any) -> Any:
    pattern = _pattern(values)
    magnitude = tf.bitwise.bitwise_and(pattern, _MAGNITUDE)
    small = tf.cast(magnitude, tf.float64) * tf.constant(2.0**-149, tf.float64)
    small = tf.where(pattern < 0, -small, small)
    return tf.where(magnitude < _FIRST_NORMAL, small, tf.cast(values, tf.float64))


def _encode(wide: Any, dtype: Any) -> Any:
    # The last bit of a denormal float32 counts 2**-149, that of a bfloat16 2**-133.
    steps = 2.0**149 if dtype == tf.float32 else 2.0**133
    magnitude = tf.minimum(tf.abs(wide), tf.constant(SMALLEST_NORMAL, tf.float64))
    # Rounding up to the smallest normal number carries into the exponent, as it must.
    pattern = tf.cast(tf.round(magnitude * steps), tf.int32)
    if dtype == tf.bfloat16:
        pattern = tf.bitwise.left_shift(pattern, 16)
    negative = tf.bitcast(wide, tf.int64) < 0  # -0 too
    pattern = tf.where(negative, tf.bitwise.bitwise_or(pattern, _SIGN), pattern)
    if dtype == tf.float32:
        small = tf.bitcast(pattern, tf.float32)
    else:
        halves = tf.bitwise.bitwise_and(tf.bitwise.right_shift(pattern, 16), 0xFFFF)
        small = tf.bitcast(tf.cast(halves, tf.uint16), tf.bfloat16)
    return tf.where(tf.abs(wide) < SMALLEST_NORMAL, small, tf.cast(wide, dtype))
