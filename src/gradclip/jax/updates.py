"""Updates of a transformation, clipped after its step as StableAdamW does."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.policies.update_clipping import UpdateRMS
from gradclip.errors import ConfigurationError
from gradclip.jax.moments import second_moments
from gradclip.jax.names import take_apart

_LACKING = (
    "UpdateRMS needs a transformation with a second moment, an exponential mean of squares "
    "(optax.adam, adamw, nadam, rmsprop), got one without."
)
_ENOUGH = 1e-4  # relative error by which a transformation may differ from that mean


class Transformation(Protocol):
    """What is needed of an `optax.GradientTransformation`."""

    def init(self, params: Any) -> Any: ...

    def update(self, updates: Any, state: Any, params: Any) -> tuple[Any, Any]: ...


def weights_of_squares(inner: Transformation, params: Any) -> Array:
    """Return what a new square weighs in each parameter's second moment, 1 - beta2, (T,).

    Optax's states do not tell. So the transformation steps twice, with gradients of one entry for
    each parameter.

    Args:
        inner: The transformation.
        params: The pytree of parameters, of which the structure and ranks count.

    Returns:
        The weights; 1 where there is no parameter.

    Raises:
        ConfigurationError: What it keeps of the gradients is no exponential mean of squares.
    """
    tiny = jax.tree.map(_one_entry, params)
    state, seen = inner.init(tiny), []
    for gradient in (1.0, 2.0):
        grads = jax.tree.map(lambda p, g=gradient: jnp.full_like(p, g), tiny)
        _, state = inner.update(grads, state, tiny)
        seen.append(second_moments(state))
    named = take_apart(tiny)
    places = [name for name, t in zip(named.names, named.tensors, strict=True) if t is not None]
    if not all(name in moments for name in places for moments in seen):
        raise ConfigurationError(_LACKING)
    first, second = (_vector(named.names, moments) for moments in seen)
    wrong = jnp.abs(second - ((1 - first) * first + 4 * first)) > _ENOUGH * second
    if not isinstance(wrong, jax.core.Tracer) and bool(wrong.any()):
        raise ConfigurationError(_LACKING)
    return first


def clip_updates(
    rule: UpdateRMS, updates: Any, grads: Any, inner: Any, weights: Array, step: Array
) -> Any:
    """Divide each tensor's update by how far its gradient outgrows the second moment.

    Args:
        rule: How far it may.
        updates: The pytree that the transformation returned.
        grads: The pytree that it got.
        inner: Its state after the step.
        weights: What `weights_of_squares` returned.
        step: The number of steps so far, this one included, ().

    Returns:
        The updates.
    """
    moments, named = second_moments(inner), take_apart(updates)
    corrections = -jnp.expm1(step * jnp.log1p(-weights))
    scaled: list[Array | None] = []
    triples = zip(named.names, named.tensors, take_apart(grads).tensors, strict=True)
    for i, (name, update, grad) in enumerate(triples):
        if update is None or grad is None or name not in moments:
            scaled.append(None)
            continue
        root = jnp.sqrt(moments[name].astype(jnp.float32) / corrections[i])
        ratio = grad.astype(jnp.float32) / jnp.maximum(root, rule.eps)
        rms = jnp.sqrt(jnp.mean(jnp.square(ratio)))
        share = jnp.minimum(1.0, rule.max_rms / jnp.where(rms == 0, 1.0, rms))
        scaled.append((update * share).astype(update.dtype))
    return named.rebuild(scaled)


def _one_entry(parameter: Any) -> Any:
    """Return a parameter of the same rank and type with one entry."""
    return jnp.zeros((1,) * jnp.ndim(parameter), jax.dtypes.result_type(parameter))


def _vector(names: tuple[str, ...], moments: dict[str, Array]) -> Array:
    """Return the moments of one entry in the order of the names."""
    entries = [jnp.reshape(moments[n], ()) if n in moments else 1.0 for n in names]
    return jnp.stack([jnp.asarray(x, jnp.float32) for x in entries])
