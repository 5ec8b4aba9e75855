"""Factors for each of many tensors, in few operations."""

from typing import Any, NamedTuple

import tensorflow as tf

from gradclip.tensorflow import bits
from gradclip.tensorflow.apply import (
    TINY_FACTOR,
    TINY_SQUARES,
    exact_product,
    like,
    product,
    values_of,
)
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import Bundle, bundle, unbundle
from gradclip.tensorflow.measure import real_parts
from gradclip.tensorflow.together import map_together


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


class _Part(NamedTuple):
    """Real values with their factors, which are broadcastable to them."""

    values: Any
    factor: Any  # float64
    single: Any  # the same in float32


def _scale(bundles: list[Bundle], factors: Any) -> list[Any]:
    """Multiply each bundle by its factors."""
    wide, single = _spread(bundles, factors), _spread(bundles, tf.cast(factors, tf.float32))
    split = [real_parts(each.values) for each in bundles]
    triples = zip(split, wide, single, strict=True)
    parts = [_Part(value, f, s) for values, f, s in triples for value in values]
    products = [product(*part) for part in parts]
    scaled = choose(
        _needs_care(parts, products, factors),
        lambda: _exact_products(parts),
        lambda: [tf.cast(x, part.values.dtype) for x, part in zip(products, parts, strict=True)],
    )
    pairs = zip(scaled, parts, strict=True)
    chosen = iter([tf.where(tf.equal(part.factor, 1.0), part.values, x) for x, part in pairs])
    return [tf.complex(next(chosen), next(chosen)) if len(s) > 1 else next(chosen) for s in split]


def _spread(bundles: list[Bundle], factors: Any) -> list[Any]:
    """Return the factors of each bundle: () of one tensor, or (n, 1, ...) of a stack."""
    singles = tf.unstack(factors)
    return [
        tf.reshape(tf.gather(factors, each.places), [-1, *[1] * (each.values.shape.rank - 1)])
        if each.stacked
        else singles[each.places[0]]
        for each in bundles
    ]


def _needs_care(parts: list[_Part], products: list[Any], factors: Any) -> Any:
    """Tell, as a bool tensor (), whether float32's range may not do for the products."""
    small = tf.reduce_any(factors < TINY_FACTOR)
    pairs = zip(parts, products, strict=True)
    losses = [tf.nn.l2_loss(x) for part, x in pairs if bits.flushes(part.values.dtype)]
    return small | (tf.add_n(losses) < TINY_SQUARES) if losses else small


def _exact_products(parts: list[_Part]) -> list[Any]:
    """Multiply in float64, denormal numbers included."""
    values = [part.values for part in parts]
    spread = [tf.broadcast_to(part.factor, tf.shape(part.values)) for part in parts]
    return map_together(exact_product, values, spread)
