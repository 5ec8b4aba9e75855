"""JAX programs, followed through what their compiled functions return."""

import jax
from jax._src import traceback_util

from gradclip.instrumenting.jax import compiling, differentiating, mapping, scanning
from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.session import Session

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what JAX trains in this process.

    Args:
        session: Where the steps go.
    """
    follower = session.shared(Follower)
    for module in (compiling, differentiating, mapping, scanning):
        # As JAX's own, their frames are left out of the tracebacks of the program's errors.
        traceback_util.register_exclusion(str(module.__file__))
    jax.jit = compiling.following_jit(jax.jit, follower)
    jax.pmap = mapping.following_map(jax.pmap, follower)
    jax.shard_map = mapping.following_map(jax.shard_map, follower)
    jax.lax.scan = scanning.following_scan(jax.lax.scan, follower)
    jax.grad = differentiating.following_grad(jax.grad, jax.value_and_grad, follower)
    jax.value_and_grad = differentiating.following_value_and_grad(jax.value_and_grad, follower)
