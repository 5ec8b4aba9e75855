"""Policies as transformations that go anywhere where optax's own go."""

from typing import Any

import optax

from gradclip.core.decide import NonFinite
from gradclip.jax.clipper import Clipper
from gradclip.jax.steps import ClipState


def clip_by_policy(
    policy: object,
    *,
    nonfinite: NonFinite = "skip",
    max_skipped: int | None = 10,
    statistics: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Return a policy as a transformation, which `clip` describes."""
    clipper = Clipper(policy, nonfinite=nonfinite, max_skipped=max_skipped, statistics=statistics)

    def update(
        updates: optax.Updates, state: ClipState, params: optax.Params | None = None, **extra: Any
    ) -> tuple[optax.Updates, ClipState]:
        del extra
        return clipper(updates, state, params)

    return optax.GradientTransformationExtraArgs(clipper.init, update)
