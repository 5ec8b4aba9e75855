"""Norms of JAX arrays, right at every scale."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gradclip.jax.compiled import compiled
from gradclip.jax.wide import in_float64_scope, widen

Axes = int | tuple[int, ...] | None
DOUBLES = (np.dtype(np.float64), np.dtype(np.complex128))
_EXPONENT = 0x7FF0_0000_0000_0000  # the bits of a float64 that hold its power of two
# A denormal's square lies below 2**-252: what it adds to more than this per entry, float64 rounds
# away.
_DENORMALS_MATTER = 2.0**-198


@compiled("axes")
def norm(tensor: Array, axes: Axes = None) -> Array:
    """Return the 2-norm of `tensor` in float64, (), or over `axes`, which stay with length 1.

    float32 and narrower entries are squared in float64, where no square overflows or
    underflows; wider ones are brought near 1 by an exact power of two first.
    """
    if tensor.dtype not in DOUBLES:
        return _root(_sum_of_squares(tensor, axes))
    power = _power_of_two(_largest(lax.stop_gradient(tensor), axes))
    scaled = _root(_sum_of_squares(tensor / power, axes))
    return scaled * power.reshape(scaled.shape)


@compiled("p", "axes")
def p_norm(tensor: Array, p: float, axes: Axes = None) -> Array:
    """Return the p-norm, 0 < p <= inf, in float64, in the shape of `norm`."""
    moduli = jnp.abs(widen(tensor))
    largest = jnp.max(moduli, axis=axes, keepdims=axes is not None, initial=0.0)
    if p == np.inf:
        return largest
    # Divided by the largest, no power overflows, and what underflows is too small to be seen.
    unit = jnp.where(jnp.isfinite(largest) & (largest > 0), largest, 1.0)
    total = jnp.sum((moduli / unit) ** p, axis=axes, keepdims=axes is not None)
    return unit * total ** (1 / p)


@compiled()
def combine(norms: list[Array]) -> Array:
    """Return the norm of the parts with these norms."""
    return norm(jnp.stack(norms))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _sum_of_squares(tensor: Array, axes: Axes) -> Array:
    """Return the float64 sum, (), or over `axes`, which stay with length 1."""
    if tensor.dtype in DOUBLES:
        return _sum_compensated([jnp.square(part) for part in _parts(tensor)], axes)
    total = _sum_plainly([jnp.square(part.astype(jnp.float64)) for part in _parts(tensor)], axes)
    # Conversions may take denormals for zeros. Only where all entries are that small, which the
    # sum tells, they are read again, exactly and slower.
    entries = tensor.size / max(total.size, 1)
    exact: Array = lax.cond(
        jnp.any(total < entries * _DENORMALS_MATTER),
        lambda: _sum_plainly([jnp.square(widen(part)) for part in _parts(tensor)], axes),
        lambda: total,
    )
    return exact


@_sum_of_squares.defjvp
@in_float64_scope
def _sum_of_squares_jvp(
    axes: Axes, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    """Differentiate the sum itself, which knows nothing of two ways to read."""
    pairs = zip(_parts(primals[0]), _parts(tangents[0]), strict=True)
    products = [widen(x) * lax.convert_element_type(dx, jnp.float64) for x, dx in pairs]
    return _sum_of_squares(*primals, axes), 2.0 * _sum_plainly(products, axes)


def _parts(tensor: Array) -> list[Array]:
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


def _root(square: Array) -> Array:
    """Return the square root, whose derivative at 0 is taken to be 0."""
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


def _largest(tensor: Array, axes: Axes) -> Array:
    """Return the largest magnitude of a part, with all axes kept."""
    magnitudes = reduce(jnp.maximum, [jnp.abs(part) for part in _parts(tensor)])
    return jnp.max(magnitudes, axis=axes, keepdims=True, initial=0.0)


def _power_of_two(largest: Array) -> Array:
    """Return the power of two at or below a float64; 1 for zero, denormals, inf and NaN."""
    bits = lax.bitcast_convert_type(largest, jnp.int64) & jnp.int64(_EXPONENT)
    usable = (bits > 0) & (bits < _EXPONENT)
    return jnp.where(usable, lax.bitcast_convert_type(bits, jnp.float64), 1.0)
