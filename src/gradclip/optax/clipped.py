"""Optimizers that step on clipped gradients, or do not step at all."""

import optax

from gradclip.core.decide import NonFinite
from gradclip.jax.clipped import Clipped


def clipped(
    inner: optax.GradientTransformation,
    policy: object,
    *,
    nonfinite: NonFinite = "skip",
    max_skipped: int | None = 10,
    statistics: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Hold an optimizer, and let it step on gradients that a policy has clipped.

    What a link of a chain cannot do: a skipped step is really dropped (the updates are zeros and
    the optimizer's state stays as it is, its counts and moments too), `gradclip.SPAM` sets the
    moments of `optax.adam` and `optax.trace` to zero every `reset_every` steps, and
    `gradclip.UpdateRMS` clips updates.

    Args:
        inner: The optimizer, such as `optax.adam(1e-3)`; everything that follows the clipping.
        policy: A policy such as `gradclip.ZClip()`, a text such as `"global-norm=1"`, or a
            function from a list of gradients to one.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step and counts
            it, `"raise"` raises outside of compiled programs, `"zero"` puts zeros in place of the
            bad tensors alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            A compiled program raises by a callback, which reaches the host as JAX's own error.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.

    Returns:
        The transformation. See `report` for what the last step came to.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of what is known; in `init`, the
            policy clips updates and the optimizer has no second moment.

    Example:
        >>> import jax.numpy as jnp, optax, gradclip.optax
        >>> optimizer = gradclip.optax.clipped(optax.sgd(1.0), gradclip.GlobalNorm(1.0))
        >>> params = jnp.array([3.0, 4.0])
        >>> updates, state = optimizer.update(params, optimizer.init(params), params)
        >>> optax.apply_updates(params, updates)
        Array([2.4, 3.2], dtype=float32)
        >>> updates, state = optimizer.update(params * jnp.nan, state, params)
        >>> optax.apply_updates(params, updates)
        Array([3., 4.], dtype=float32)
        >>> int(state.clip.skipped)
        1

    References:
        `optax.apply_if_finite`, which accepts NaN after so many steps instead of raising.
    """
    extended = optax.with_extra_args_support(inner)
    held = Clipped(
        extended, policy, nonfinite=nonfinite, max_skipped=max_skipped, statistics=statistics
    )
    return optax.GradientTransformationExtraArgs(held.init, held.update)
