"""2-norms of many tensors, for one read of each where float32's range suffices."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradclip.tensorflow import bits
from gradclip.tensorflow.branch import choose, compiled_by_xla
from gradclip.tensorflow.bundles import SMALL, Bundle, joined, spread
from gradclip.tensorflow.together import join, part

# Rows whose squares float32 adds up without drifting: norms are within 2e-7, where a sum over
# the whole may be 1.3e-6 off. Shorter rows would save too little.
_SHORTEST, _LONGEST = 32, 512
# A mean of squares below which float32 may lose squares that count: 2**-126 is 6e-8 of it.
_LEAST_MEAN = 2.0**-102
_LEAST_NORM = 2.0**-35  # that of 2**31 entries with this mean
# A norm below this bound could be made of flushed entries to a degree that shows: 2**31 entries
# of 2**-126 add 1e-8 to its square.
_TINY = 2.0**-97


def norms_of_bundles(bundles: list[Bundle]) -> Any:
    """Return the float64 norms (T,) of plain tensors in the order of the bundles.

    A tensor of nothing but denormal numbers has the norm 0 next to larger ones: to look for them
    would cost a second read wherever a gradient is zero.

    Args:
        bundles: At least one, of real numbers whose squares float64 can hold.
    """
    return _differentiable(_norms, bundles)


def norm_of_bundles(bundles: list[Bundle]) -> Any:
    """Return the float64 norm () of plain tensors as one vector; arguments as above."""
    return _differentiable(_norm_of_all, bundles)


def root(squares: Any) -> Any:
    """Return the root, with the derivative 0 at 0."""
    zero = tf.equal(squares, 0.0)  # `==` of TF1 compares objects
    return tf.where(
        zero, tf.zeros_like(squares), tf.sqrt(tf.where(zero, tf.ones_like(squares), squares))
    )


def are_tiny(norms: Any) -> Any:
    """Tell, as a bool tensor (), whether flushed entries may count in any of the norms."""
    return tf.reduce_any((norms > 0) & (norms < _TINY)) | (tf.reduce_max(norms) < bits.TINY)


def _differentiable(measure: Callable[[list[Bundle]], Any], bundles: list[Bundle]) -> Any:
    """Return norms with their derivative written out: rows of zeros would make it NaN."""

    def measured(*stacks: Any) -> tuple[Any, Callable[[Any], Any]]:
        given = [each._replace(values=s) for each, s in zip(bundles, stacks, strict=True)]

        def gradient(upstream: Any) -> list[Any]:
            norms = _differentiable(measure, given)  # once more, so as to be derived once more
            shares = spread(given, tf.math.divide_no_nan(upstream, norms))
            pairs = zip(shares, stacks, strict=True)
            return [bits.encode(share * bits.decode(s), s.dtype) for share, s in pairs]

        return measure(given), gradient

    return tf.custom_gradient(measured)(*(each.values for each in bundles))


def _norm_of_all(bundles: list[Bundle]) -> Any:
    quick = _norm(_quick_norms(bundles), None)
    if not _may_flush(bundles):
        return quick
    doubtful = (quick < _LEAST_NORM) | tf.logical_not(tf.math.is_finite(quick))
    return choose(doubtful, lambda: _careful(bundles, _norm_of_vectors), lambda: quick)


def _norms(bundles: list[Bundle]) -> Any:
    quick = _quick_norms(bundles)
    if not _may_flush(bundles):
        return quick
    least = [_least_norm(each) for each in bundles for _ in each.places]
    beyond = (quick < least) | tf.logical_not(tf.math.is_finite(quick))
    doubtful = are_tiny(quick) | tf.reduce_any(beyond)
    norms_of_vectors = functools.partial(_norms_of_vectors, bundles)
    return choose(doubtful, lambda: _careful(bundles, norms_of_vectors), lambda: quick)


def _may_flush(bundles: list[Bundle]) -> bool:
    return any(bits.flushes(each.values.dtype) for each in bundles)


def _careful(bundles: list[Bundle], measure: Callable[[list[Any]], Any]) -> Any:
    """Measure float64 vectors, and look at denormal numbers where they may count."""
    vectors = join([each.values for each in bundles])
    usual = measure([tf.cast(vector, tf.float64) for vector in vectors])
    return choose(
        are_tiny(usual), lambda: measure([bits.decode(v) for v in vectors]), lambda: usual
    )


def _norm_of_vectors(vectors: list[Any]) -> Any:
    return _norm(tf.stack([_norm(vector, None) for vector in vectors]), None)


def _norms_of_vectors(bundles: list[Bundle], vectors: list[Any]) -> Any:
    """Return the norms of the tensors that were joined to vectors."""
    pairs = zip(part(vectors, [each.values for each in bundles]), bundles, strict=True)
    return joined(bundles, [_norm(values, each.axes) for values, each in pairs])


def _quick_norms(bundles: list[Bundle]) -> Any:
    return joined(bundles, [_quick_norm(each) for each in bundles])


def _quick_norm(bundle: Bundle) -> Any:
    """Return the norm of one tensor, (), or of a stack, (n,), as far as float32's range goes."""
    if (length := _row_length(bundle)) is None:
        return _norm(tf.cast(bundle.values, tf.float64), bundle.axes)
    rows = tf.reshape(tf.cast(bundle.values, tf.float32), [-1, length])
    return _norm(tf.cast(_norm(rows, [1]), tf.float64), None)


def _row_length(bundle: Bundle) -> int | None:
    """Return how long the rows are that a large tensor divides into; None for others."""
    size = bundle.values.shape.num_elements()
    if bundle.axes or size is None or size <= SMALL:
        return None
    return next((n for n in range(_LONGEST, _SHORTEST, -1) if size % n == 0), None)


def _norm(values: Any, axes: Any) -> Any:
    """Return the norm over `axes`, all of them if None, without a temporary."""
    if compiled_by_xla():  # which has no such operation and makes no temporary either
        return tf.sqrt(tf.reduce_sum(tf.square(values), axes))
    return tf.math.reduce_euclidean_norm(values, axes)


def _least_norm(bundle: Bundle) -> float:
    """Return the norm below which a quick one may be wrong."""
    if _row_length(bundle) is None:
        return 0.0
    return float((bundle.values.shape.num_elements() * _LEAST_MEAN) ** 0.5)
