"""Programs that train with optax, followed through the outermost transformation."""

import functools
from collections.abc import Callable
from typing import Any

import optax

from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.optax.transformations import Transformations
from gradclip.instrumenting.session import Session

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what optax's transformations do in this process.

    Args:
        session: Where the steps go.
    """
    follower = session.shared(Follower)
    transformations = Transformations(follower)
    kind: type = optax.GradientTransformation
    make = kind.__new__

    def followed(cls: type, init: object, update: object) -> object:
        return make(cls, *transformations.followed(init, update))  # type: ignore[call-overload]  # a tuple's

    kind.__new__ = followed  # type: ignore[assignment,method-assign]  # as Python's own
    transformations.follow_multi_steps(optax.MultiSteps)
    optax.apply_updates = _following(optax.apply_updates, follower)


def _following(apply: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return `optax.apply_updates` that tells what it does."""

    @functools.wraps(apply)
    def following(params: Any, updates: Any) -> Any:
        weights = apply(params, updates)
        follower.applied(updates, weights)
        return weights

    return following
