"""Optax's clipping transformations, over the functions on arrays."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from gradclip.core.thresholds import check_threshold
from gradclip.jax.functional import functions
from gradclip.jax.namespace import JaxNamespace

_xp = JaxNamespace()


def clip(max_delta: Any) -> optax.GradientTransformation:
    """Limit every entry of the updates to [-max_delta, max_delta].

    Args:
        max_delta: The largest magnitude, a number or scalar array >= 0, traced or not. NaN
            entries stay NaN.

    Returns:
        The transformation, without state.

    Raises:
        ConfigurationError: `max_delta` is negative or NaN. Where it is traced, all entries
            become NaN instead.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> clipping = gradclip.optax.clip(1.0)
        >>> clipping.update({"w": jnp.array([-3.0, 0.5])}, clipping.init(None))[0]
        {'w': Array([-1. ,  0.5], dtype=float32)}

    References:
        `optax.clip`.
    """
    check(max_delta=max_delta)

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        del params
        with _xp.precision(None):
            limit = _xp.wide(max_delta)
            if not _xp.truth(limit >= 0):
                limit = jnp.where(limit >= 0, limit, float("nan"))
        return jax.tree.map(lambda u: functions.clip_by_value(u, -limit, limit), updates)

    return optax.stateless(update)


def clip_by_block_rms(threshold: Any) -> optax.GradientTransformation:
    """Scale each leaf of the updates down to a root mean square of at most `threshold`.

    Args:
        threshold: The largest root mean square, a number or scalar array >= 0, traced or not.

    Returns:
        The transformation, without state.

    Raises:
        ConfigurationError: `threshold` is negative or NaN. Where it is traced, all entries
            become NaN instead.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> clipping = gradclip.optax.clip_by_block_rms(1.0)
        >>> clipping.update([jnp.array([3.0, -3.0]), jnp.array(0.5)], clipping.init(None))[0]
        [Array([ 1., -1.], dtype=float32), Array(0.5, dtype=float32)]

    References:
        `optax.clip_by_block_rms`; Shazeer and Stern, *Adafactor*, 2018, arXiv:1804.04235.
    """
    check(threshold=threshold)

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        del params
        return jax.tree.map(lambda u: functions.clip_by_block_rms(u, threshold), updates)

    return optax.stateless(update)


def clip_by_global_norm(max_norm: Any) -> optax.GradientTransformation:
    """Scale all updates down to a common norm of at most `max_norm`.

    Args:
        max_norm: The largest norm, a number or scalar array >= 0, traced or not; inf changes
            nothing.

    Returns:
        The transformation, without state. Updates whose norm is NaN or infinite become NaN
        throughout, so that `optax.apply_if_finite` sees them.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN. Where it is traced, all entries
            become NaN instead.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> clipping = gradclip.optax.clip_by_global_norm(1.0)
        >>> clipping.update([jnp.array([3.0]), jnp.array([4.0])], clipping.init(None))[0]
        [Array([0.6], dtype=float32), Array([0.8], dtype=float32)]

    References:
        `optax.clip_by_global_norm`; Pascanu, Mikolov and Bengio, *On the difficulty of training
        recurrent neural networks*, 2013, arXiv:1211.5063.
    """
    check(max_norm=max_norm)

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        del params
        return functions.clip_by_global_norm(updates, max_norm)[0]

    return optax.stateless(update)


def check(**thresholds: Any) -> None:
    """Raise where a transformation is made if one of its thresholds is known to be wrong.

    Raises:
        ConfigurationError: It is negative or NaN.
    """
    with _xp.precision(None):
        for name, value in thresholds.items():
            check_threshold(name, value, _xp)
