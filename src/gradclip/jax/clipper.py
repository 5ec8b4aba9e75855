"""Policies on JAX pytrees: state in, state out."""

from typing import Any

from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import warn_of_moments_out_of_reach
from gradclip.core.policies.resolve import resolve_policy
from gradclip.jax.report import report
from gradclip.jax.skipping import check_values, stop_if_stuck
from gradclip.jax.steps import ClipState, initial_state, take_step

_WITH_OPTIMIZER = "Use gradclip.optax.clipped(optimizer, policy)"


class Clipper:
    """Clip the gradients of step after step.

    The object itself never changes; it can be used within `jax.jit`, `jax.lax.scan` and
    `jax.vmap`, with donated states. For a chain of optax's transformations there is
    `gradclip.optax.clip`, which takes the same arguments.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises (outside of compiled programs alone), `"zero"` puts
            zeros in place of the bad tensors alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            A compiled program raises by a callback, which reaches the host as JAX's own error;
            where callbacks cannot run, set None and call `check` now and then.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import jax.numpy as jnp, gradclip
        >>> clipper = gradclip.jax.Clipper(gradclip.GlobalNorm(1.0))
        >>> params = {"b": jnp.array([0.0]), "w": jnp.array([0.0])}
        >>> state = clipper.init(params)
        >>> grads = {"b": jnp.array([3.0]), "w": jnp.array([4.0])}
        >>> grads, state = clipper(grads, state)
        >>> grads
        {'b': Array([0.6], dtype=float32), 'w': Array([0.8], dtype=float32)}
        >>> float(clipper.report(state).norm_before)
        5.0
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
    ) -> None:
        check_nonfinite(nonfinite)
        self.policy = resolve_policy(policy)
        warn_of_moments_out_of_reach(self.policy, _WITH_OPTIMIZER)
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self.statistics = statistics

    def init(self, params: Any) -> ClipState:
        """Return the state before the first step.

        Args:
            params: The pytree of parameters, or gradients of the same shapes.
        """
        return initial_state(self.policy, params, statistics=self.statistics)

    def __call__(self, grads: Any, state: ClipState, params: Any = None) -> tuple[Any, ClipState]:
        """Return the clipped gradients and the next state.

        Args:
            grads: The pytree of gradients. None and integers stay as they are.
            state: What `init` or the last call returned.
            params: The parameters, for policies that are relative to their norms.

        Returns:
            The gradients, zeros for a skipped step, and the state.

        Raises:
            ConfigurationError: The number of gradients, parameters and names differs.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        step = take_step(self.policy, grads, state, params, nonfinite=self.nonfinite)
        stop_if_stuck(step.state.skipped_in_a_row, self.max_skipped)
        return step.updates, step.state

    def report(self, state: ClipState) -> Report:
        """Return what the last step came to."""
        return report(state)

    def check(self, state: ClipState) -> None:
        """Raise if too many steps in a row were skipped, for loops that look now and then.

        Args:
            state: A state whose values are there; of a vmapped one, all are looked at.

        Raises:
            NonFiniteGradientError: `max_skipped` or more were.
        """
        check_values(state.skipped_in_a_row, limit=self.max_skipped)
