"""Optax's clipping transformations, over the functions on arrays."""

from operator import index
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gradclip.core.decide import NonFinite
from gradclip.core.thresholds import check_threshold
from gradclip.jax.functional import functions
from gradclip.jax.namespace import JaxNamespace
from gradclip.optax.policies import clip_by_policy

_xp = JaxNamespace()
_TEN = np.int64(10)  # optax.inject_hyperparams takes a Python int for a hyperparameter


def clip(
    max_delta: Any,
    *,
    nonfinite: NonFinite = "skip",
    max_skipped: SupportsIndex | None = _TEN,
    statistics: bool = False,
) -> optax.GradientTransformationExtraArgs | optax.GradientTransformation:
    """Clip by a policy, or limit every entry of the updates to [-max_delta, max_delta].

    A policy's transformation can stand in `optax.chain`, `optax.partition`, `optax.masked`,
    `optax.MultiSteps`, `optax.inject_hyperparams` and `optax.apply_if_finite`, traced or not.
    What the last step came to is in its state: see `report`.

    Args:
        max_delta: A policy such as `gradclip.ZClip()`, a text such as `"global-norm=1"`, or a
            function from a list of gradients to one. Or the largest magnitude, a number or scalar
            array >= 0, traced or not, which is optax's own meaning: then there is no state, NaN
            entries stay NaN, and the other arguments do not count.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped. The transformations that follow in a chain cannot be held: Adam's
            moments decay, and its momentum still moves the parameters. `clipped` drops the step.
            `"raise"` raises outside of compiled programs, `"zero"` puts zeros in place of the bad
            tensors alone, `"propagate"` passes NaN on, for `optax.apply_if_finite` to see.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            A compiled program raises by a callback, which reaches the host as JAX's own error.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.

    Returns:
        The transformation. A policy relative to the parameters needs them in `update`.

    Raises:
        ConfigurationError: A number is negative or NaN, or it is no policy. Where a magnitude is
            traced, all entries become NaN instead.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> clipping = gradclip.optax.clip(gradclip.GlobalNorm(1.0))
        >>> params = {"b": jnp.array([0.0]), "w": jnp.array([0.0])}
        >>> grads = {"b": jnp.array([3.0]), "w": jnp.array([4.0])}
        >>> updates, state = clipping.update(grads, clipping.init(params))
        >>> updates
        {'b': Array([0.6], dtype=float32), 'w': Array([0.8], dtype=float32)}
        >>> float(gradclip.optax.report(state).norm_before)
        5.0
        >>> clipping = gradclip.optax.clip(1.0)
        >>> clipping.update({"w": jnp.array([-3.0, 0.5])}, clipping.init(None))[0]
        {'w': Array([-1. ,  0.5], dtype=float32)}

    References:
        `optax.clip`.
    """
    if _is_number(max_delta):
        return _clip_entries(max_delta)
    limit = None if max_skipped is None else index(max_skipped)
    return clip_by_policy(max_delta, nonfinite=nonfinite, max_skipped=limit, statistics=statistics)


def _clip_entries(max_delta: Any) -> optax.GradientTransformation:
    """Limit every entry of the updates."""
    check(max_delta=max_delta)

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        del params
        with _xp.precision(None):
            limit = _xp.wide(max_delta)
            if not _xp.truth(limit >= 0):
                limit = jnp.where(limit >= 0, limit, float("nan"))
        return jax.tree.map(lambda u: functions.clip_by_value(u, -limit, limit), updates)

    return optax.stateless(update)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or hasattr(value, "dtype")


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
