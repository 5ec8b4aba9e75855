"""Factors and bounds applied to JAX arrays."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import PartitionSpec

from gradclip.errors import ConfigurationError
from gradclip.jax.compiled import compiled
from gradclip.jax.wide import narrow, widen


@compiled()
def rescale(tensor: Array, factor: Array) -> Array:
    """Multiply by a wide factor with one rounding; 1 keeps the bits and 0 gives zeros."""
    if jnp.broadcast_shapes(tensor.shape, factor.shape) != tensor.shape:
        msg = (
            f"A threshold must be a scalar, got one that gives factors of shape {factor.shape} "
            f"for a tensor of shape {tensor.shape}. Clip such a tensor in parts, by `axes`."
        )
        raise ConfigurationError(msg)
    if factor.ndim:
        return _rescaled(tensor, factor)
    # A branch of its own: XLA would compute the factor anew for every entry.
    result: Array = jax.lax.cond(factor == 1, lambda: tensor, lambda: _rescaled(tensor, factor))
    return result


@compiled()
def zero_where(tensor: Array, condition: Array) -> Array:
    """Return zeros if the scalar condition holds."""
    return jnp.where(condition, jnp.zeros((), tensor.dtype), tensor)


@compiled()
def clamp(tensor: Array, low: Array | None, high: Array | None) -> Array:
    """Limit each entry to [low, high], wide bounds, in the tensor's own type; NaN stays NaN."""
    result = tensor
    if low is not None:
        bound = narrow(low, tensor.dtype)
        result = jnp.where((widen(result) < widen(bound)) | jnp.isnan(bound), bound, result)
    if high is not None:
        bound = narrow(high, tensor.dtype)
        result = jnp.where((widen(result) > widen(bound)) | jnp.isnan(bound), bound, result)
    if result.shape != tensor.shape:
        msg = f"Bounds must broadcast to the tensor's shape {tensor.shape}, got {result.shape}."
        raise ConfigurationError(msg)
    return result


def _rescaled(tensor: Array, factor: Array) -> Array:
    """Multiply by factors, entry by entry."""
    scaled = narrow(_times(widen(tensor), factor), tensor.dtype)
    scaled = jnp.where(factor == 0, jnp.zeros((), tensor.dtype), scaled)
    return jnp.where(factor == 1, tensor, scaled)


def _times(wide: Array, factor: Array) -> Array:
    """Multiply by a real factor; complex entries part by part, so that inf * 0 stays away."""
    if jnp.iscomplexobj(wide):
        return jax.lax.complex(wide.real * factor, wide.imag * factor)
    return wide * factor


def colocated(value: Any, tensor: Array) -> Any:
    """Return a scalar that may meet `tensor` in one operation: on its devices, if these differ.

    Traced values are where their program runs and stay as they are.
    """
    if any(isinstance(x, jax.core.Tracer) for x in (value, tensor)):
        return value
    if not isinstance(value, Array) or value.ndim or value.devices() == tensor.devices():
        return value
    return jax.device_put(value, _scalar_sharding(tensor))


def _scalar_sharding(tensor: Array) -> jax.sharding.Sharding:
    """Return the sharding of a scalar that every device of `tensor` has."""
    sharding = tensor.sharding
    if isinstance(sharding, jax.sharding.NamedSharding):
        return jax.sharding.NamedSharding(sharding.mesh, PartitionSpec())  # type: ignore[no-untyped-call]  # JAX's
    return sharding
