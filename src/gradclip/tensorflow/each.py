"""Factors for each of many tensors, in few operations."""

from typing import Any, NamedTuple

import tensorflow as tf

from gradclip.tensorflow import bits
from gradclip.tensorflow.apply import (
    TINY_FACTOR,
    TINY_SQUARES,
    exact_product,
    like,
    most_telling,
    product,
    values_of,
)
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import Bundle, bundle, spread, unbundle
from gradclip.tensorflow.measure import real_parts
from gradclip.tensorflow.together import map_together


class _Piece(NamedTuple):
    """Real values with their float64 factor, which is broadcastable to them."""

    values: Any
    factor: Any
    single: Any  # the same in float32


def rescale_each(tensors: list[Any], factors: Any) -> list[Any]:
    """Multiply each of T tensors by its own factor with one rounding, and one branch for all.

    1 keeps the bits and 0 gives zeros. Products that are denormal numbers become 0 next to larger
    ones.

    Args:
        tensors: Tensors or IndexedSlices; None stays None.
        factors: A float64 tensor (T,).

    Returns:
        The tensors, read and written only if one of them changes.
    """
    present = [i for i, t in enumerate(tensors) if t is not None]
    if not present:
        return list(tensors)
    if len(present) < len(tensors):
        factors = tf.gather(factors, present)
    values = [values_of(tensors[i]) for i in present]
    kept = tf.reduce_all(tf.equal(factors, 1.0))
    if not (tf.executing_eagerly() and kept):
        bundles = bundle(values)
        stacks = [each.values for each in bundles]
        stacks = choose(kept, lambda: stacks, lambda: _scale(bundles, factors))
        values = unbundle(bundles, stacks)
    scaled = dict(zip(present, values, strict=True))
    return [None if t is None else like(t, scaled[i]) for i, t in enumerate(tensors)]


def _scale(bundles: list[Bundle], factors: Any) -> list[Any]:
    """Multiply each bundle by its factors."""
    split = [real_parts(each.values) for each in bundles]
    ordered = tf.gather(factors, [i for each in bundles for i in each.places])
    singles = spread(bundles, tf.cast(ordered, tf.float32))
    triples = zip(split, spread(bundles, ordered), singles, strict=True)
    pieces = [_Piece(part, factor, single) for parts, factor, single in triples for part in parts]
    products = [product(*piece) for piece in pieces]
    i = most_telling([piece.values for piece in pieces])
    scaled = choose(
        _needs_care(pieces[i].values, products[i], factors),
        lambda: _careful_products(pieces),
        lambda: [tf.cast(x, one.values.dtype) for x, one in zip(products, pieces, strict=True)],
    )
    chosen = iter(
        tf.where(tf.equal(one.factor, 1.0), one.values, x)
        for x, one in zip(scaled, pieces, strict=True)
    )
    return [tf.complex(next(chosen), next(chosen)) if len(s) > 1 else next(chosen) for s in split]


def _careful_products(pieces: list[_Piece]) -> list[Any]:
    """Multiply, exactly where float32's range may not do."""

    def multiply(vector: Any, factor: Any) -> Any:
        quick = product(vector, factor, tf.cast(factor, tf.float32))
        return choose(
            _needs_care(vector, quick, factor),
            lambda: exact_product(vector, factor),
            lambda: tf.cast(quick, vector.dtype),
        )

    values = [one.values for one in pieces]
    factors = [tf.broadcast_to(one.factor, tf.shape(one.values)) for one in pieces]
    return map_together(multiply, values, factors)


def _needs_care(values: Any, product: Any, factors: Any) -> Any:
    """Tell, as a bool tensor (), whether float32's range may not do for the product."""
    small = tf.reduce_any(factors < TINY_FACTOR)
    return small | (tf.nn.l2_loss(product) < TINY_SQUARES) if bits.flushes(values.dtype) else small
