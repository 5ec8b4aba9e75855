"""What one look at each TensorFlow tensor tells."""

import math
from typing import Any

import tensorflow as tf

from gradclip.tensorflow import bits, measure, slices
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import Bundle, joined
from gradclip.tensorflow.euclidean import are_tiny, norms_of_bundles
from gradclip.tensorflow.many import arrange, in_order
from gradclip.tensorflow.together import join, part

_EXACT = 2**24  # up to here float32 counts without rounding


def statistics(tensors: list[Any]) -> tuple[Any, Any, Any, Any]:
    """Return what is known of T tensors, as `gradclip.core.namespace.Namespace` describes it.

    Args:
        tensors: Tensors or IndexedSlices, whose repeated rows are summed first; None has zeros.

    Returns:
        Norms and largest moduli in float64, and the numbers of non-finite entries and of zeros in
        int64, (T,) each.
    """
    bundles, others, order = arrange(tensors)
    found = [_of_bundles(bundles)] if bundles else []
    if others:
        rows = [_of_tensor(t) for t in others]
        found.append([tf.stack(column) for column in zip(*rows, strict=True)])
    columns = [list(parts) for parts in zip(*found, strict=True)] or [[], [], [], []]
    norms, largest, *counts = (in_order(parts, order, len(tensors)) for parts in columns)
    nonfinite, zeros = (tf.cast(count, tf.int64) for count in counts)
    return norms, largest, nonfinite, zeros


def _of_bundles(bundles: list[Bundle]) -> list[Any]:
    """Return the four columns of plain tensors, in float64."""
    norms = norms_of_bundles(bundles)
    bundles = [each._replace(values=tf.stop_gradient(each.values)) for each in bundles]
    # What follows in the graph of one tensor's entries finds them in the cache.
    looks = [(_extremes(each), tf.reduce_any(tf.equal(each.values, 0))) for each in bundles]
    largest = choose(
        are_tiny(norms),
        lambda: _exact_largest(bundles),
        lambda: tf.cast(joined(bundles, [extreme for extreme, _ in looks]), tf.float64),
    )
    largest = tf.where(tf.math.is_nan(norms), norms, largest)  # XLA's maximum may lose NaN
    none = tf.zeros_like(norms)
    nonfinite = choose(
        tf.reduce_all(tf.math.is_finite(norms)), lambda: none, lambda: _count_nonfinite(bundles)
    )
    some = tf.reduce_any(tf.stack([zero for _, zero in looks]))
    zeros = choose(some, lambda: _count_zeros(bundles), lambda: none)
    return [norms, largest, nonfinite, zeros]


def _extremes(bundle: Bundle) -> Any:
    """Return the largest modulus in float32, without a temporary; 0 for no entries."""
    high = tf.reduce_max(bundle.values, bundle.axes)
    low = tf.reduce_min(bundle.values, bundle.axes)
    return tf.maximum(tf.cast(tf.maximum(high, -low), tf.float32), 0.0)


def _exact_largest(bundles: list[Bundle]) -> Any:
    """Return the largest moduli where they may be denormal numbers."""
    stacks = [each.values for each in bundles]
    moduli = part([tf.abs(bits.decode(vector)) for vector in join(stacks)], stacks)
    pairs = zip(moduli, bundles, strict=True)
    return joined(bundles, [measure.largest(x, each.axes, keepdims=False) for x, each in pairs])


def _count_nonfinite(bundles: list[Bundle]) -> Any:
    flags = [tf.logical_not(tf.math.is_finite(each.values)) for each in bundles]
    return _count(bundles, flags)


def _count_zeros(bundles: list[Bundle]) -> Any:
    return _count(bundles, [bits.is_zero(each.values) for each in bundles])


def _count(bundles: list[Bundle], flags: list[Any]) -> Any:
    pairs = zip(flags, bundles, strict=True)
    return joined(bundles, [_number(flag, each.axes) for flag, each in pairs])


def _number(flags: Any, axes: Any) -> Any:
    """Return how many flags hold, in float64."""
    size = flags.shape.num_elements()
    counted = tf.float32 if size is not None and size <= _EXACT else tf.float64
    return tf.cast(tf.reduce_sum(tf.cast(flags, counted), axes), tf.float64)


def _of_tensor(tensor: Any) -> tuple[Any, Any, Any, Any]:
    """Return the four numbers of complex or float64 entries, or of slices, in float64."""
    norm, values, idle = measure.norm(tensor), tensor, tf.zeros([], tf.float64)
    if isinstance(tensor, tf.IndexedSlices):
        values = slices.merge_in_place(tensor).values
        # Rows that were summed elsewhere are zeros that nobody stored.
        rows = tf.cast(slices.count_repeated(tensor.indices), tf.float64)
        idle = rows * tf.cast(tf.reduce_prod(tf.shape(values)[1:]), tf.float64)
    values = tf.stop_gradient(values)
    parts = measure.real_parts(values)
    finite = tf.reduce_all(tf.stack([tf.math.is_finite(x) for x in parts]), 0)
    zero = tf.reduce_all(tf.stack([bits.is_zero(x) for x in parts]), 0)
    largest = measure.largest(measure.magnitude(values), None, keepdims=False)
    largest = tf.where(tf.math.is_nan(norm), tf.constant(math.nan, tf.float64), largest)
    nonfinite = _number(tf.logical_not(finite), None)
    return norm, largest, nonfinite, _number(zero, None) - idle
