"""Factors and bounds applied to JAX arrays."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import PartitionSpec

from gradclip.errors import ConfigurationError
from gradclip.jax.compiled import compiled
from gradclip.jax.wide import less, narrow, product


def rescale(tensors: list[Array], factor: Array) -> list[Array]:
    """Multiply tensors by a wide factor, () or broadcastable, each entry rounded once.

    Returns:
        The products: a factor of 1 keeps the bits, 0 gives zeros.
    """
    for tensor in tensors:
        _check_factor(tensor, factor)
    if len(tensors) > 1 and are_apart(tensors):
        return [_rescale_together([t], colocated(factor, t))[0] for t in tensors]
    return _rescale_together(tensors, colocated(factor, tensors[0]) if tensors else factor)


def rescale_each(tensors: list[Array], factors: Array) -> list[Array]:
    """Multiply each of T tensors by its own wide factor of (T,)."""
    if are_apart(tensors):
        return [rescale([t], factors[i])[0] for i, t in enumerate(tensors)]
    return _rescale_each_together(tensors, factors)


@compiled()
def _rescale_together(tensors: list[Array], factor: Array) -> list[Array]:
    if factor.ndim:
        return [_product(t, factor) for t in tensors]
    (once,) = _computed_once(factor, lambda f: [f])
    return [_product(t, once) for t in tensors]


@compiled()
def _rescale_each_together(tensors: list[Array], factors: Array) -> list[Array]:
    each = _computed_once(factors, lambda f: [f[i] for i in range(len(tensors))])
    return [_product(t, f) for t, f in zip(tensors, each, strict=True)]


def _computed_once(factors: Array, take: Callable[[Array], list[Array]]) -> list[Array]:
    """Return scalars that `take` takes out of factors, by a branch if one is not 1.

    Without it XLA makes all that leads to a scalar a part of each product. The products themselves
    stay outside: they become a part of what uses them, and no gradient is copied.
    """

    def take_ones(factors: Array) -> list[Array]:
        # Made of the factors, which may be other ones on other devices.
        return take(jnp.where(factors == 1, factors, 1.0))

    scalars: list[Array] = jax.lax.cond(jnp.all(factors == 1), take_ones, take, factors)
    return scalars


_product = compiled()(product)


@compiled()
def zero_where(tensor: Array, condition: Array) -> Array:
    """Return zeros if the scalar condition holds."""
    return jnp.where(condition, jnp.zeros((), tensor.dtype), tensor)


@compiled()
def clamp(tensor: Array, low: Array | None, high: Array | None) -> Array:
    """Limit each entry to [low, high], wide bounds, in the tensor's own type; NaN stays NaN."""
    bounds = [None if bound is None else narrow(bound, tensor.dtype) for bound in (low, high)]
    given = [bound.shape for bound in bounds if bound is not None]
    if jnp.broadcast_shapes(tensor.shape, *given) != tensor.shape:
        shapes = ", ".join(map(str, given))
        msg = f"Bounds must broadcast to the tensor's shape {tensor.shape}, got {shapes}."
        raise ConfigurationError(msg)
    result = tensor
    if bounds[0] is not None:
        result = jnp.where(less(result, bounds[0]) | jnp.isnan(bounds[0]), bounds[0], result)
    if bounds[1] is not None:
        result = jnp.where(less(bounds[1], result) | jnp.isnan(bounds[1]), bounds[1], result)
    return result


def _check_factor(tensor: Array, factor: Array) -> None:
    """Raise unless a factor broadcasts to a tensor's shape.

    Raises:
        ConfigurationError: It does not.
    """
    if jnp.broadcast_shapes(tensor.shape, factor.shape) != tensor.shape:
        msg = (
            f"A threshold must be a scalar, got one that gives factors of shape {factor.shape} "
            f"for a tensor of shape {tensor.shape}. Clip such a tensor in parts, by `axes`."
        )
        raise ConfigurationError(msg)


def are_apart(tensors: list[Array]) -> bool:
    """Tell whether tensors lie on different devices, where no program can take all of them."""
    if any(isinstance(t, jax.core.Tracer) for t in tensors):
        return False
    return len({frozenset(t.devices()) for t in tensors}) > 1


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
