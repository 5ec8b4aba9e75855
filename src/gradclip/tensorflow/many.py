"""Norms of many tensors, in few operations."""

import math
from typing import Any

import tensorflow as tf

from gradclip.tensorflow import bits, measure
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import Bundle, bundle
from gradclip.tensorflow.together import map_together

# A norm below this bound could be made of flushed entries to a degree that shows: 2**31 entries
# of 2**-126 add 1e-8 to its square.
_TINY = 2.0**-97


def norms(tensors: list[Any], p: float) -> Any:
    """Return the float64 p-norms (T,) of T tensors, with one branch for all.

    A tensor of nothing but denormal numbers has the norm 0 next to larger ones: to look for them
    would cost a second read wherever a gradient is zero.

    Args:
        tensors: Tensors or IndexedSlices; None has the norm 0.
        p: The p, > 0; inf for the largest modulus.
    """
    present = [i for i, t in enumerate(tensors) if t is not None]
    plain = [i for i in present if _is_plain(tensors[i])]
    others = [i for i in present if i not in set(plain)]
    bundles = bundle([tensors[i] for i in plain])
    parts = [_norms_of_bundles(bundles, p)] if plain else []
    if others:
        parts.append(tf.stack([_norm(tensors[i], p) for i in others]))
    order = [*(plain[i] for each in bundles for i in each.places), *others]
    return _in_order(parts, order, len(tensors))


def _is_plain(tensor: Any) -> bool:
    """Tell whether a tensor's entries are real and can be squared in float64 as they are."""
    return measure.is_plain(tensor) and not tensor.dtype.is_complex


def _norm(tensor: Any, p: float) -> Any:
    return measure.norm(tensor) if p == 2 else measure.p_norm(tensor, p)  # noqa: PLR2004 - a norm


def _in_order(parts: list[Any], order: list[int], length: int) -> Any:
    """Return a vector with the entries of parts in their places and 0 elsewhere."""
    if not parts:
        return tf.zeros([length], tf.float64)
    found = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
    if order == list(range(length)):
        return found
    places = {i: k for k, i in enumerate(order)}
    padded = tf.concat([found, tf.zeros([1], tf.float64)], 0)
    return tf.gather(padded, [places.get(i, len(order)) for i in range(length)])


def _norms_of_bundles(bundles: list[Bundle], p: float) -> Any:
    """Return the norms of plain tensors in the order of the bundles."""
    values = [each.values for each in bundles]
    usual = _reduced(bundles, [tf.cast(value, tf.float64) for value in values], p)
    if not any(bits.flushes(value.dtype) for value in values):
        return usual
    few = tf.reduce_any((usual > 0) & (usual < _TINY)) | (tf.reduce_max(usual) < bits.TINY)
    return choose(
        few, lambda: _reduced(bundles, map_together(bits.decode, values), p), lambda: usual
    )


def _reduced(bundles: list[Bundle], wide: list[Any], p: float) -> Any:
    """Return the norms of float64 values, each of them one tensor or a stack."""
    pairs = list(zip(bundles, wide, strict=True))
    alone = [_power(values, None, p) for each, values in pairs if not each.stacked]
    parts = [tf.stack(alone)] if alone else []
    parts += [_power(values, each.axes, p) for each, values in pairs if each.stacked]
    powers = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
    return measure.root(powers) if p == 2 else powers  # noqa: PLR2004 - the 2-norm


def _power(values: Any, axes: Any, p: float) -> Any:
    """Return the square of the 2-norm, or another norm itself."""
    if p == 2:  # noqa: PLR2004 - the 2-norm
        if axes is None:  # the loss reads its tensor once and makes no temporary
            return 2.0 * tf.nn.l2_loss(values)
        return tf.reduce_sum(tf.square(values), axes)
    moduli = tf.abs(values)
    if p == math.inf:
        return measure.largest(moduli, axes, keepdims=False)
    return measure.norm_of_moduli(moduli, p, axes, keepdims=False)
