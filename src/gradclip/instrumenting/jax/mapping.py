"""`jax.pmap` and `jax.shard_map`, whose functions' training steps are told of at their end."""

import functools
from collections.abc import Callable
from typing import Any

from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.jax.telling import tell_within


def following_map(mapping: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return `jax.pmap` or `jax.shard_map` that has what it maps followed.

    Args:
        mapping: JAX's own.
        follower: Who is told.
    """

    @functools.wraps(mapping)
    def following(*functions: Any, **options: Any) -> Any:
        if len(functions) != 1 or not callable(functions[0]):
            return mapping(*functions, **options)
        return mapping(_telling(functions[0], follower), **options)

    return following


def _telling(function: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return a function that has what was seen in it told as it runs."""

    @functools.wraps(function)
    def telling(*args: Any, **kwargs: Any) -> Any:
        with follower.frames.tracing(follower.finish) as frame:
            result = function(*args, **kwargs)
        with follower.session.ours():
            for seen in frame.seen:
                tell_within(follower.steps, seen)
        return result

    return telling
