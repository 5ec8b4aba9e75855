"""Norms of JAX arrays, right at every scale."""

from functools import reduce

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gradclip.core.namespace import EUCLIDEAN
from gradclip.jax.compiled import compiled
from gradclip.jax.squares import DOUBLES, Axes, parts, sum_of_squares, sums_of_squares
from gradclip.jax.wide import modulus

_EXPONENT = 0x7FF0_0000_0000_0000  # the bits of a float64 that hold its power of two


@compiled("p")
def norms(tensors: list[Array], p: float) -> Array:
    """Return the float64 p-norms of T tensors, (T,)."""
    if p != EUCLIDEAN:
        return jnp.stack([p_norm(t, p) for t in tensors])
    narrower = [t for t in tensors if t.dtype not in DOUBLES]
    if len(narrower) == len(tensors):
        return root(sums_of_squares(narrower))
    entries = iter(root(sums_of_squares(narrower)) if narrower else ())
    return jnp.stack([norm(t) if t.dtype in DOUBLES else next(entries) for t in tensors])


@compiled("axes")
def norm(tensor: Array, axes: Axes = None) -> Array:
    """Return the 2-norm of `tensor` in float64, (), or over `axes`, which stay with length 1.

    float32 and narrower entries are squared in float64, where no square overflows or
    underflows; wider ones are brought near 1 by an exact power of two first.
    """
    if tensor.dtype not in DOUBLES:
        return root(sum_of_squares(tensor, axes))
    power = _power_of_two(_largest(lax.stop_gradient(tensor), axes))
    scaled = root(sum_of_squares(tensor / power, axes))
    return scaled * power.reshape(scaled.shape)


@compiled("p", "axes")
def p_norm(tensor: Array, p: float, axes: Axes = None) -> Array:
    """Return the p-norm, 0 < p <= inf, in float64, in the shape of `norm`."""
    moduli = modulus(tensor)
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


def root(square: Array) -> Array:
    """Return the square root, whose derivative at 0 is taken to be 0."""
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


def _largest(tensor: Array, axes: Axes) -> Array:
    """Return the largest magnitude of a part, with all axes kept."""
    magnitudes = reduce(jnp.maximum, [jnp.abs(part) for part in parts(tensor)])
    return jnp.max(magnitudes, axis=axes, keepdims=True, initial=0.0)


def _power_of_two(largest: Array) -> Array:
    """Return the power of two at or below a float64; 1 for zero, denormals, inf and NaN."""
    bits = lax.bitcast_convert_type(largest, jnp.int64) & jnp.int64(_EXPONENT)
    usable = (bits > 0) & (bits < _EXPONENT)
    return jnp.where(usable, lax.bitcast_convert_type(bits, jnp.float64), 1.0)
