"""Sums of squares in float64, denormals included."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gradclip.jax.compiled import compiled
from gradclip.jax.reductions import exact_squares, largest_bits, reduce_together, squares
from gradclip.jax.wide import in_float64_scope, modulus, widen

Axes = int | tuple[int, ...] | None
DOUBLES = (np.dtype(np.float64), np.dtype(np.complex128))
# A denormal's square lies below 2**-252: what it adds to more than this per entry, float64 rounds
# away.
_DENORMALS_MATTER = 2.0**-198


@jax.custom_jvp
def sums_of_squares(tensors: list[Array]) -> Array:
    """Return the sums of T >= 1 tensors of at most 32 bits an entry, (T,)."""
    sums, largest = zip(*[_read(t) for t in tensors], strict=True)
    return read_again(tensors, jnp.stack(sums), jnp.stack(largest))


@sums_of_squares.defjvp
@in_float64_scope
def _sums_of_squares_jvp(
    primals: tuple[list[Array]], tangents: tuple[list[Array]]
) -> tuple[Array, Array]:
    """Differentiate the sums themselves, which know nothing of two ways to read."""
    pairs = zip(primals[0], tangents[0], strict=True)
    slopes = [_slope(tensor, tangent, None) for tensor, tangent in pairs]
    return sums_of_squares(*primals), jnp.stack(slopes)


@compiled()
def _read(tensor: Array) -> tuple[Array, Array]:
    """Return the sum and the bits of the largest part, ()."""
    each = [reduce_together([squares(p), largest_bits(p)]) for p in parts(tensor)]
    total, largest = zip(*each, strict=True)
    return reduce(jnp.add, total), reduce(jnp.maximum, largest).astype(jnp.int32)


def read_again(tensors: list[Array], sums: Array, largest: Array) -> Array:
    """Return sums of squares, all read exactly if one may hold denormals alone.

    Args:
        tensors: T tensors of at most 32 bits an entry.
        sums: Their sums, (T,), to which denormals may have added nothing.
        largest: What is 0 for tensors of zeros alone, (T,).
    """
    entries = np.array([max(t.size, 1) for t in tensors], np.float64)
    exact: Array = lax.cond(
        jnp.any((sums < entries * _DENORMALS_MATTER) & (largest != 0)),
        lambda: jnp.stack([_exact_sum(t) for t in tensors]),
        lambda: sums,
    )
    return exact


@compiled()
def _exact_sum(tensor: Array) -> Array:
    """Return the sum, (), slower."""
    each = [reduce_together([exact_squares(p), largest_bits(p)]) for p in parts(tensor)]
    # The largest is asked for so that the squares are not one column alone.
    return reduce(jnp.add, [jnp.where(largest == 0, 0.0, total) for total, largest in each])


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def sum_of_squares(tensor: Array, axes: Axes) -> Array:
    """Return the float64 sum, (), or over `axes`, which stay with length 1."""
    if tensor.dtype in DOUBLES:
        return _sum_compensated([jnp.square(part) for part in parts(tensor)], axes)
    total = _sum_plainly([jnp.square(part.astype(jnp.float64)) for part in parts(tensor)], axes)
    # Conversions may take denormals for zeros. Only where all entries are that small, which the
    # sum tells, they are read again, exactly and slower.
    entries = tensor.size / max(total.size, 1)
    exact: Array = lax.cond(
        jnp.any(total < entries * _DENORMALS_MATTER),
        lambda: _sum_plainly([jnp.square(modulus(part)) for part in parts(tensor)], axes),
        lambda: total,
    )
    return exact


@sum_of_squares.defjvp
@in_float64_scope
def _sum_of_squares_jvp(
    axes: Axes, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    """Differentiate the sum itself, which knows nothing of two ways to read."""
    return sum_of_squares(*primals, axes), _slope(*primals, *tangents, axes)


def _slope(tensor: Array, tangent: Array, axes: Axes) -> Array:
    """Return how fast the sum changes."""
    pairs = zip(parts(tensor), parts(tangent), strict=True)
    products = [widen(x) * lax.convert_element_type(dx, jnp.float64) for x, dx in pairs]
    return 2.0 * _sum_plainly(products, axes)


def parts(tensor: Array) -> list[Array]:
    """Return real and imaginary part, or the real tensor itself."""
    return [tensor.real, tensor.imag] if jnp.iscomplexobj(tensor) else [tensor]


def _sum_plainly(parts: list[Array], axes: Axes) -> Array:
    """Sum all parts, in which float64 has digits to spare for entries that were narrower."""
    return reduce(jnp.add, [jnp.sum(p, axis=axes, keepdims=axes is not None) for p in parts])


def _sum_compensated(parts: list[Array], axes: Axes) -> Array:
    """Sum all parts with what each addition rounds away: XLA adds one after the other."""
    dimensions = tuple(range(parts[0].ndim)) if axes is None else _positive(axes, parts[0].ndim)
    zero = jnp.zeros((), jnp.float64)
    operands = [(part, jnp.zeros_like(part)) for part in parts]
    sums = [lax.reduce(pair, (zero, zero), _add_exactly, dimensions) for pair in operands]
    total, lost = reduce(_add_exactly, sums)
    exact = jnp.where(jnp.isfinite(total), total + lost, total)
    return exact if axes is None else jnp.expand_dims(exact, dimensions)


def _add_exactly(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Add two sums and what they lost.

    Returns:
        The rounded sum, and all that rounding took from it so far.

    References:
        Knuth, *The Art of Computer Programming*, volume 2, section 4.2.2, theorem B.
    """
    total = a[0] + b[0]
    of_b = total - a[0]
    lost = (a[0] - (total - of_b)) + (b[0] - of_b)
    return total, a[1] + b[1] + lost


def _positive(axes: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front."""
    return tuple(axis % ndim for axis in ((axes,) if isinstance(axes, int) else axes))
