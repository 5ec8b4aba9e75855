"""Factors and bounds applied to TensorFlow tensors."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from gradclip.errors import ConfigurationError, GradientTypeError
from gradclip.tensorflow import bits, slices
from gradclip.tensorflow.branch import choose
from gradclip.tensorflow.bundles import bundle, unbundle
from gradclip.tensorflow.measure import real_parts
from gradclip.tensorflow.together import map_together

TINY_SQUARES = 2.0**-100  # float32 squares that add up to less may have been flushed
TINY_FACTOR = 2.0**-100  # a float32 factor below it may be flushed itself


def rescale(tensors: list[Any], factor: Any) -> list[Any]:
    """Multiply tensors by a wide factor with one rounding; 1 keeps the bits and 0 gives zeros.

    Args:
        tensors: Tensors or IndexedSlices.
        factor: A number or a float64 tensor, () or broadcastable to each tensor.

    Returns:
        The tensors, read and written only if one of them changes.
    """
    if isinstance(factor, float) and factor == 1.0:
        return tensors
    factor = tf.convert_to_tensor(factor, tf.float64)
    if factor.shape.rank != 0:
        return [_rescale_units(tensor, factor) for tensor in tensors]
    values = [values_of(tensor) for tensor in tensors]
    kept = tf.equal(factor, 1.0)
    if values and not (tf.executing_eagerly() and kept):
        bundles = bundle(values)
        stacks = [each.values for each in bundles]
        stacks = choose(kept, lambda: stacks, lambda: _scale(stacks, factor))
        values = unbundle(bundles, stacks)
    return [like(tensor, value) for tensor, value in zip(tensors, values, strict=True)]


def clamp(tensor: Any, low: Any, high: Any) -> Any:
    """Limit each entry to [low, high] in the tensor's own type; NaN stays NaN.

    Args:
        tensor: A tensor of real numbers, or IndexedSlices, whose repeated rows are summed first.
        low: The least value, a number or broadcastable; None for no bound.
        high: The largest value, likewise.

    Returns:
        A tensor of the same type and shape.
    """
    if isinstance(tensor, tf.IndexedSlices):
        merged = slices.merge_in_place(tensor)
        return slices.with_values(tensor, clamp(merged.values, low, high))
    result = tensor
    if low is not None:
        bound = _bound(tensor, low, "clip_value_min")
        result = _replace(result, bound, exact=_is_small(low), below=True)
    if high is not None:
        bound = _bound(tensor, high, "clip_value_max")
        result = _replace(result, bound, exact=_is_small(high), below=False)
    return result


def zero_where(tensor: Any, condition: Any) -> Any:
    """Return zeros in place of a tensor where a scalar condition holds."""
    values = values_of(tensor)
    return like(tensor, tf.where(condition, tf.zeros_like(values), values))


def values_of(tensor: Any) -> Any:
    """Return a tensor, or the values of slices."""
    return tensor.values if isinstance(tensor, tf.IndexedSlices) else tensor


def like(tensor: Any, values: Any) -> Any:
    """Return values, or slices with these values."""
    if isinstance(tensor, tf.IndexedSlices):
        return slices.with_values(tensor, values)
    return values


def _check_growth(values: Any, other: Any, name: str) -> None:
    """Raise if broadcasting to `other` would make the values grow."""
    try:
        grown = tf.broadcast_static_shape(values.shape, other.shape)
    except ValueError:
        grown = None
    if grown is None or not grown.is_compatible_with(values.shape):
        msg = (
            f"`{name}` must be broadcastable to the tensor's shape {values.shape}, "
            f"got one for the shape {other.shape}."
        )
        raise ConfigurationError(msg)


def _rescale_units(tensor: Any, factor: Any) -> Any:
    """Multiply each unit by its own factor, after the sum of rows that occur twice."""
    _check_growth(values_of(tensor), factor, "clip_norm")
    kept = tf.equal(factor, 1.0)

    def scaled() -> Any:
        merged = tensor
        if isinstance(tensor, tf.IndexedSlices):
            merged = slices.merge_in_place(tensor)
        values = values_of(merged)
        return tf.where(kept, values, _scale([values], factor)[0])

    return like(tensor, choose(tf.reduce_all(kept), lambda: values_of(tensor), scaled))


def _scale(values: list[Any], factor: Any) -> list[Any]:
    """Multiply by a factor that isn't 1 throughout."""
    split = [real_parts(value) for value in values]
    flat = [part for parts in split for part in parts]
    scaled = iter(_scale_real(flat, factor))
    return [tf.complex(next(scaled), next(scaled)) if len(s) > 1 else next(scaled) for s in split]


def _scale_real(parts: list[Any], factor: Any) -> list[Any]:
    if factor.shape.rank != 0 or len(parts) == 1:
        return [_careful_product(part, factor) for part in parts]
    single = tf.cast(factor, tf.float32)
    products = [product(part, factor, single) for part in parts]
    i = most_telling(parts)
    return choose(
        _needs_care(parts[i], products[i], factor),
        lambda: map_together(lambda vector: _careful_product(vector, factor), parts),
        lambda: [tf.cast(x, part.dtype) for x, part in zip(products, parts, strict=True)],
    )


def product(part: Any, factor: Any, single: Any) -> Any:
    """Multiply in float32, or float64 if the part is; float32 rounds narrower types once."""
    return part * factor if part.dtype == tf.float64 else tf.cast(part, tf.float32) * single


def most_telling(parts: list[Any]) -> int:
    """Return which product to look at: if its squares add up to enough, so do those of all.

    To look at all of them would be another read.
    """
    sizes = [part.shape.num_elements() or math.inf for part in parts]
    flushing = [i for i, part in enumerate(parts) if bits.flushes(part.dtype)]
    return min(flushing, key=lambda i: sizes[i], default=0)


def _careful_product(part: Any, factor: Any) -> Any:
    """Multiply, exactly where float32's range may not do."""
    quick = product(part, factor, tf.cast(factor, tf.float32))
    return choose(
        _needs_care(part, quick, factor),
        lambda: exact_product(part, factor),
        lambda: tf.cast(quick, part.dtype),
    )


def exact_product(part: Any, factor: Any) -> Any:
    """Multiply in float64 with denormals; 0 selects zeros, since 0 * inf is NaN."""
    zero = tf.zeros([], tf.float64)
    wide = tf.where(tf.equal(factor, 0.0), zero, bits.decode(part) * factor)
    return bits.encode(wide, part.dtype)


def _needs_care(part: Any, product: Any, factor: Any) -> Any:
    """Tell, as a bool tensor (), whether float32's range may not do for the product."""
    small = factor < TINY_FACTOR
    if bits.flushes(part.dtype):
        if product.shape.rank is None and factor.shape.rank != 0:
            return True  # which entries share a factor is known only when the graph runs
        small |= tf.not_equal(factor, 1.0) & (_squares(product, factor) < TINY_SQUARES)
    return tf.reduce_any(small)


def _squares(product: Any, factor: Any) -> Any:
    """Sum float32 squares, half or whole, over what shares one factor."""
    if factor.shape.rank == 0:
        return tf.nn.l2_loss(product)
    missing = product.shape.rank - factor.shape.rank
    axes = [i for i in range(product.shape.rank) if i < missing or factor.shape[i - missing] == 1]
    sums = tf.reduce_sum(tf.square(product), axes, keepdims=True)
    return tf.reshape(sums, tf.shape(sums)[missing:])


def _bound(tensor: Any, bound: Any, name: str) -> Any:
    """Return a bound in the tensor's type, in a shape that does not make the tensor grow."""
    if tf.is_tensor(bound) or isinstance(bound, tf.Variable):
        bound = tf.convert_to_tensor(bound)
        if tensor.dtype.is_integer and not bound.dtype.is_integer:
            msg = f"`{name}` must be of integers as the tensor is, got {bound.dtype.name}."
            raise GradientTypeError(msg)
        if bound.dtype != tensor.dtype:
            bound = bits.encode(bits.decode(bound), tensor.dtype)
    else:
        with np.errstate(over="ignore"):
            bound = tf.convert_to_tensor(bound, tensor.dtype)
    _check_growth(tensor, bound, name)
    return bound


def _is_small(bound: Any) -> bool:
    """Tell whether denormal entries may lie on either side of a bound."""
    return not (isinstance(bound, int | float) and abs(bound) >= bits.SMALLEST_NORMAL)


def _replace(tensor: Any, bound: Any, *, exact: bool, below: bool) -> Any:
    """Put a bound in place of the entries that lie below it, or above it."""
    if exact and bits.flushes(tensor.dtype):
        outside = bits.less(tensor, bound) if below else bits.less(bound, tensor)
        return bits.select(outside, bound, tensor)
    return tf.where(tensor < bound if below else tensor > bound, bound, tensor)
