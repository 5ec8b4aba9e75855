"""`jax.lax.scan` whose body's training steps are among what it stacks."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.jax.seen import Seen


def following_scan(scan: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return `jax.lax.scan` that has training steps within it followed.

    Args:
        scan: JAX's own.
        follower: Who is told.
    """
    numbers = itertools.count()

    @functools.wraps(scan)
    def following(f: Any, *args: Any, **kwargs: Any) -> Any:
        # Outside of compiled functions a new body would be compiled anew at each call.
        frame = follower.frames.current
        if frame is None:
            return scan(f, *args, **kwargs)
        carry, (outputs, seen) = scan(_returning_seen(f, follower, frame.due), *args, **kwargs)
        if seen:
            loop = next(numbers)
            follower.pass_on([_stacked(each, loop) for each in seen])
        return carry, outputs

    return following


def _stacked(seen: Seen, loop: int) -> Seen:
    """Return what a loop stacked, which tells that it is of this one."""
    layout = replace(seen.layout, loop=(loop, *seen.layout.loop))
    return Seen(seen.packed, layout)


def _returning_seen(body: Callable[..., Any], follower: Follower, due: Any) -> Callable[..., Any]:
    """Return a body that also returns what was seen while it was traced."""

    @functools.wraps(body)
    def returning(carry: Any, entry: Any) -> Any:
        with follower.frames.tracing(follower.finish, due) as frame:
            carry, output = body(carry, entry)
        return carry, (output, frame.seen)

    return returning
