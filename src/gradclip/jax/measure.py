"""Norms of JAX arrays, right at every scale."""

import jax.numpy as jnp
from jax import Array, lax

from gradclip.jax.compiled import compiled
from gradclip.jax.wide import widen

Axes = int | tuple[int, ...] | None
_EXPONENT = 0x7FF0_0000_0000_0000  # the bits of a float64 that hold its power of two


@compiled("axes")
def norm(tensor: Array, axes: Axes = None) -> Array:
    """Return the 2-norm of `tensor` in float64, (), or over `axes`, which stay with length 1.

    float32 and narrower entries are squared in float64, where no square overflows or
    underflows; wider ones are brought near 1 by an exact power of two first.
    """
    keep = axes is not None
    if tensor.dtype not in {jnp.float64, jnp.complex128}:
        return _root(_sum_of_squares(widen(tensor), axes))
    power = _power_of_two(_largest(lax.stop_gradient(tensor), axes))
    root: Array = _root(_sum_of_squares(tensor / power, axes)) * power
    return root if keep else root.reshape(())


@compiled()
def combine(norms: list[Array]) -> Array:
    """Return the norm of the parts with these norms."""
    return norm(jnp.stack(norms))


def _sum_of_squares(tensor: Array, axes: Axes) -> Array:
    """Sum the squares of the moduli."""
    squares = jnp.square(tensor.real)
    if jnp.iscomplexobj(tensor):
        squares = squares + jnp.square(tensor.imag)
    return jnp.sum(squares, axis=axes, keepdims=axes is not None)


def _root(square: Array) -> Array:
    """Return the square root, whose derivative at 0 is taken to be 0."""
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


def _largest(tensor: Array, axes: Axes) -> Array:
    """Return the largest magnitude of a part, with all axes kept."""
    magnitudes = jnp.abs(tensor.real)
    if jnp.iscomplexobj(tensor):
        magnitudes = jnp.maximum(magnitudes, jnp.abs(tensor.imag))
    return jnp.max(magnitudes, axis=axes, keepdims=True, initial=0.0)


def _power_of_two(largest: Array) -> Array:
    """Return the power of two at or below a float64; 1 for zero, denormals, inf and NaN."""
    bits = lax.bitcast_convert_type(largest, jnp.int64) & jnp.int64(_EXPONENT)
    usable = (bits > 0) & (bits < _EXPONENT)
    return jnp.where(usable, lax.bitcast_convert_type(bits, jnp.float64), 1.0)
