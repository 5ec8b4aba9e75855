"""Rows of `tf.IndexedSlices` that occur more than once, with shapes that XLA knows."""

from typing import Any, NamedTuple

import tensorflow as tf

from gradclip.tensorflow.bits import decode, encode
from gradclip.tensorflow.branch import choose


class Groups(NamedTuple):
    """Equal indices side by side."""

    order: Any  # (n,) the rows in the order of their indices, equal ones as they came
    segment: Any  # (n,) which group each row of that order belongs to
    first: Any  # (n,) whether it is the first of its group


def occur_twice(indices: Any) -> Any:
    """Tell, as a bool tensor (), whether any index occurs more than once."""
    ordered = tf.sort(indices)
    return tf.reduce_any(tf.equal(ordered[1:], ordered[:-1]))


def count_repeated(indices: Any) -> Any:
    """Return how many indices occurred before, an int64 ()."""
    ordered = tf.sort(indices)
    return tf.math.count_nonzero(tf.equal(ordered[1:], ordered[:-1]))


def sum_rows(rows: Any, indices: Any) -> Any:
    """Sum the rows with the same index.

    Args:
        rows: The rows, shape (n, ...), of a type that sums are exact enough in.
        indices: Their indices, shape (n,).

    Returns:
        The sums, shape (n, ...), followed by zeros.
    """
    groups = _group(indices)
    ordered = tf.gather(rows, groups.order)
    return tf.math.unsorted_segment_sum(ordered, groups.segment, tf.shape(indices)[0])


def merge_in_place(slices: tf.IndexedSlices) -> tf.IndexedSlices:
    """Let the first row of each index carry the sum of all its rows, the others zero.

    Args:
        slices: The slices.

    Returns:
        Slices with the same indices, where a row whose index occurs once keeps its bits.
    """
    merged = choose(
        occur_twice(slices.indices),
        lambda: _merged(slices.values, slices.indices),
        lambda: slices.values,
    )
    return with_values(slices, merged)


def with_values(slices: tf.IndexedSlices, values: Any) -> tf.IndexedSlices:
    """Return slices with the same indices and other values."""
    return tf.IndexedSlices(values, slices.indices, slices.dense_shape)


def _group(indices: Any) -> Groups:
    order = tf.argsort(indices, stable=True)
    ordered = tf.gather(indices, order)
    first = tf.concat(
        [tf.ones_like(ordered[:1], tf.bool), tf.not_equal(ordered[1:], ordered[:-1])], 0
    )
    return Groups(order, tf.cumsum(tf.cast(first, tf.int32)) - 1, first)


def _merged(values: Any, indices: Any) -> Any:
    groups = _group(indices)
    sums = _sum_in_type(tf.gather(values, groups.order), groups.segment)
    back = tf.argsort(groups.order)
    counts = tf.math.unsorted_segment_sum(
        tf.ones_like(groups.segment), groups.segment, tf.shape(groups.segment)[0]
    )
    alone = _column(tf.gather(tf.equal(tf.gather(counts, groups.segment), 1), back), values)
    first = _column(tf.gather(groups.first, back), values)
    spread = tf.gather(tf.gather(sums, groups.segment), back)
    return tf.where(alone, values, tf.where(first, spread, tf.zeros_like(values)))


def _sum_in_type(ordered: Any, segment: Any) -> Any:
    """Sum segments in float64 and round once to the type of the rows; integers as they are."""
    if ordered.dtype.is_integer:
        return tf.math.unsorted_segment_sum(ordered, segment, tf.shape(segment)[0])
    if ordered.dtype.is_complex:
        parts = [
            _sum_in_type(part, segment) for part in (tf.math.real(ordered), tf.math.imag(ordered))
        ]
        return tf.complex(*parts)
    wide = tf.math.unsorted_segment_sum(decode(ordered), segment, tf.shape(segment)[0])
    return encode(wide, ordered.dtype)


def _column(flags: Any, values: Any) -> Any:
    """Shape one flag a row to broadcast over the rows."""
    ones = tf.ones([tf.rank(values) - 1], tf.int32)
    return tf.reshape(flags, tf.concat([tf.shape(flags), ones], 0))
