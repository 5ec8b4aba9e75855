"""A transformation that steps on clipped gradients, or does not step at all."""

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.policies.resets import Reset, momentum_resets
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.update_clipping import split_update_clipping
from gradclip.jax.moments import has_moments, reset_moments
from gradclip.jax.names import opened
from gradclip.jax.report import reports
from gradclip.jax.skipping import stop_if_stuck
from gradclip.jax.steps import ClipState, Step, initial_state, take_step
from gradclip.jax.updates import Transformation, clip_updates, weights_of_squares


class ClippedState(NamedTuple):
    """What a clipped transformation carries from step to step."""

    clip: ClipState
    inner: Any  # the state of the transformation within
    weights: Array | None  # what new squares weigh in its second moments, (T,), if these count


class Clipped:
    """Let a transformation step on gradients that a policy has clipped.

    Args:
        inner: The transformation.
        policy: What to clip, as `resolve_policy` reads it.
        nonfinite: What NaN and infinite gradients lead to.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        statistics: Whether reports shall have `statistics` too.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of what is known.
    """

    def __init__(
        self,
        inner: Transformation,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
    ) -> None:
        check_nonfinite(nonfinite)
        self.inner = inner
        self.policy, self._update_rule = split_update_clipping(resolve_policy(policy))
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self.statistics = statistics

    def init(self, params: Any) -> ClippedState:
        """Return the state before the first step."""
        clip = initial_state(self.policy, params, statistics=self.statistics)
        inner = self.inner.init(params)
        self._warn(clip, inner)
        rule = self._update_rule
        weights = None if rule is None else weights_of_squares(self.inner, params)
        return ClippedState(clip, inner, weights)

    def update(
        self, updates: Any, state: ClippedState, params: Any = None, **extra: Any
    ) -> tuple[Any, ClippedState]:
        """Return the updates, zeros for a skipped step, and the next state."""
        step = self.decide(updates, state, params)
        kept = jax.tree.map(jnp.zeros_like, step.updates), state.inner
        if not isinstance(step.skipped, jax.core.Tracer):
            taken = kept if step.skipped else self.take(step, state, params, **extra)
        else:
            taken = self.take(step, state, params, **extra)
            taken = unless(step.skipped, taken, kept)
        return taken[0], ClippedState(step.state, taken[1], state.weights)

    def decide(self, updates: Any, state: ClippedState, params: Any) -> Step:
        """Return the clipped gradients and the next state of the policy.

        Raises:
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        step = take_step(self.policy, updates, state.clip, params, nonfinite=self.nonfinite)
        stop_if_stuck(step.state.skipped_in_a_row, self.max_skipped)
        return step

    def take(self, step: Step, state: ClippedState, params: Any, **extra: Any) -> tuple[Any, Any]:
        """Return the transformation's updates and its state for a step that is not skipped."""
        moved, inner = self.inner.update(step.updates, state.inner, params, **extra)
        done = state.clip.policy.step + 1
        if self._update_rule is not None and state.weights is not None:
            moved = clip_updates(self._update_rule, moved, step.updates, inner, state.weights, done)
        return moved, reset_moments(inner, self._resets(state.clip), done)

    def _resets(self, clip: ClipState) -> list[Reset]:
        return momentum_resets(self.policy, opened(clip.names)) if _is_sealed(clip) else []

    def _warn(self, clip: ClipState, inner: Any) -> None:
        """Say what will not be as it may be thought."""
        if reports(inner):
            warnings.warn(
                "Gradients are clipped twice: the transformation to be clipped holds another "
                "gradclip.optax.clip. Leave one of them out.",
                stacklevel=3,
            )
        for reset in self._resets(clip):
            if not has_moments(inner, reset.names):
                warnings.warn(
                    "SPAM's reset_every finds no momentum to reset in the transformation to be "
                    "clipped. Set reset_every=None if that is meant.",
                    stacklevel=3,
                )


def unless(condition: Array, new: Any, old: Any) -> Any:
    """Return the pytree `old` if a scalar condition holds, else `new`.

    Selected by entry rather than by a branch, for which accelerators would wait.
    """
    return jax.tree.map(lambda o, n: n if o is n else jnp.where(condition, o, n), old, new)


def _is_sealed(clip: ClipState) -> bool:
    return isinstance(clip.names, dict)
