"""The arithmetic of policies on TensorFlow tensors."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from gradclip.core.arithmetic import LARGEST, SMALLEST
from gradclip.tensorflow import bits


class TensorFlowArithmetic:
    """TensorFlow's side of `gradclip.core.arithmetic.Arithmetic`; its verbs are described there.

    Args:
        double: Whether users get norms in float64.
    """

    def __init__(self, *, double: bool) -> None:
        self._double = double

    def sqrt(self, x: Any) -> Any:
        """Return the square root."""
        return tf.sqrt(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Choose by entry; at once where the condition is known."""
        if isinstance(condition, bool):
            return x if condition else y
        dtype = tf.bool if _is_bool(x) and _is_bool(y) else tf.float64
        return tf.where(condition, *(tf.convert_to_tensor(v, dtype) for v in (x, y)))

    def isfinite(self, x: Any) -> Any:
        """Tell by entry."""
        return math.isfinite(x) if isinstance(x, float) else tf.math.is_finite(x)

    def any(self, condition: Any) -> Any:
        """Return whether it holds for any entry."""
        return tf.reduce_any(condition)

    def wide(self, value: Any) -> Any:
        """Return a number as a float, a tensor as float64."""
        if isinstance(value, int | float | np.number):
            return float(value)
        return bits.decode(tf.convert_to_tensor(value))

    def rounded(self, x: Any) -> Any:
        """Round to the type in which users get norms."""
        if self._double:
            return x
        if isinstance(x, float):
            with np.errstate(all="ignore"):
                return float(np.float32(x))
        return bits.decode(bits.encode(x, tf.float32))

    def load(self, stored: Any) -> Any:
        """Return a float64 value."""
        return tf.cast(stored, tf.float64)

    def store(self, x: Any) -> Any:
        """Return a float32 value, denormals as 0."""
        limited = tf.clip_by_value(tf.convert_to_tensor(x, tf.float64), -LARGEST, LARGEST)
        kept = tf.where(tf.abs(limited) < SMALLEST, tf.zeros_like(limited), limited)
        return tf.cast(kept, tf.float32)

    def zeros(self, like: Any, length: int | None = None) -> Any:
        """Return zeros."""
        shape = tf.shape(like)
        return tf.zeros(shape if length is None else tf.concat([[length], shape], 0), tf.float64)

    def put(self, window: Any, position: Any, value: Any) -> Any:
        """Return the window with the value in one place."""
        return tf.where(tf.equal(_places(window), position), value, window)

    def quantile(self, window: Any, count: Any, q: float) -> Any:
        """Return the quantile of the first entries."""
        places = _places(window)
        infinity = tf.constant(math.inf, tf.float64)
        entries = tf.sort(tf.where(places < count, window, infinity), axis=0)
        last = tf.maximum(count - 1.0, 0.0)
        place = q * last
        below = tf.floor(place)
        above = tf.minimum(below + 1.0, last)
        zero = tf.zeros([], tf.float64)
        low, high = (
            tf.reduce_sum(tf.where(tf.equal(places, at), entries, zero), 0) for at in (below, above)
        )
        return tf.where(count > 0, low + (place - below) * (high - low), zero)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (tf.is_tensor(value) and value.dtype == tf.bool)


def _places(window: Any) -> Any:
    """Return the index along the first axis, (W, 1, ...)."""
    places = tf.cast(tf.range(tf.shape(window)[0]), tf.float64)
    rank = window.shape.rank
    return tf.reshape(places, [-1, *[1] * (rank - 1)])
