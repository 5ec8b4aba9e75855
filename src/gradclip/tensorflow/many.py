"""Norms of many tensors, in few operations."""

import math
from typing import Any

import tensorflow as tf

from gradclip.core.namespace import EUCLIDEAN
from gradclip.tensorflow import bits, measure
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import Bundle, bundle, joined
from gradclip.tensorflow.euclidean import are_tiny, norms_of_bundles
from gradclip.tensorflow.together import map_together


def norms(tensors: list[Any], p: float) -> Any:
    """Return the float64 p-norms (T,) of T tensors, with one branch for all.

    A tensor of nothing but denormal numbers has the norm 0 next to larger ones: to look for them
    would cost a second read wherever a gradient is zero.

    Args:
        tensors: Tensors or IndexedSlices; None has the norm 0.
        p: The p, > 0; inf for the largest modulus.
    """
    bundles, others, order = arrange(tensors)
    parts = [_norms_of_bundles(bundles, p)] if bundles else []
    if others:
        parts.append(tf.stack([_norm(t, p) for t in others]))
    return in_order(parts, order, len(tensors))


def arrange(tensors: list[Any]) -> tuple[list[Bundle], list[Any], list[int]]:
    """Sort tensors by how they are measured.

    Args:
        tensors: Tensors or IndexedSlices; None is left out.

    Returns:
        Bundles of those whose entries are real and can be squared in float64 as they are; the
        others; and the place of each in the list.
    """
    present = [i for i, t in enumerate(tensors) if t is not None]
    plain = [i for i in present if _is_plain(tensors[i])]
    others = [i for i in present if i not in set(plain)]
    bundles = bundle([tensors[i] for i in plain])
    order = [*(plain[i] for each in bundles for i in each.places), *others]
    return bundles, [tensors[i] for i in others], order


def in_order(parts: list[Any], order: list[int], length: int) -> Any:
    """Return a vector with the entries of parts in their places and 0 elsewhere."""
    if not parts:
        return tf.zeros([length], tf.float64)
    found = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
    if order == list(range(length)):
        return found
    places = {i: k for k, i in enumerate(order)}
    padded = tf.concat([found, tf.zeros([1], tf.float64)], 0)
    return tf.gather(padded, [places.get(i, len(order)) for i in range(length)])


def _is_plain(tensor: Any) -> bool:
    return measure.is_plain(tensor) and not tensor.dtype.is_complex


def _norm(tensor: Any, p: float) -> Any:
    return measure.norm(tensor) if p == EUCLIDEAN else measure.p_norm(tensor, p)


def _norms_of_bundles(bundles: list[Bundle], p: float) -> Any:
    """Return the norms of plain tensors in the order of the bundles."""
    if p == EUCLIDEAN:
        return norms_of_bundles(bundles)
    values = [each.values for each in bundles]
    usual = _reduced(bundles, [tf.cast(value, tf.float64) for value in values], p)
    if not any(bits.flushes(value.dtype) for value in values):
        return usual
    return choose(
        are_tiny(usual),
        lambda: _reduced(bundles, map_together(bits.decode, values), p),
        lambda: usual,
    )


def _reduced(bundles: list[Bundle], wide: list[Any], p: float) -> Any:
    """Return the norms of float64 values, each of them one tensor or a stack."""
    pairs = zip(wide, bundles, strict=True)
    return joined(bundles, [_p_norm(tf.abs(values), each.axes, p) for values, each in pairs])


def _p_norm(moduli: Any, axes: Any, p: float) -> Any:
    if p == math.inf:
        return measure.largest(moduli, axes, keepdims=False)
    return measure.norm_of_moduli(moduli, p, axes, keepdims=False)
