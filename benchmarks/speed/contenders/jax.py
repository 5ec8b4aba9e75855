"""gradclip's `clip_by_global_norm` for JAX and optax's, under jit."""

from collections.abc import Callable
from typing import Any

import jax
import optax

import gradclip.jax
from benchmarks.speed.contenders.pair import Pair, Run, gradients
from benchmarks.speed.shapes import Shapes


def pairs(shapes: Shapes, limit: float) -> list[Pair]:
    """Return what is timed."""
    arrays = [jax.numpy.asarray(g) for g in gradients(shapes)]
    transformation = optax.clip_by_global_norm(limit)
    state = transformation.init(arrays)
    return [
        Pair(
            "clip_by_global_norm / optax's, jit",
            _jitted(lambda g: gradclip.jax.clip_by_global_norm(g, limit)[0], arrays),
            _jitted(lambda g: transformation.update(g, state)[0], arrays),
        )
    ]


def _jitted(function: Callable[..., Any], arrays: list[jax.Array]) -> Run:
    """Return a run of a function, compiled, that waits for its result."""
    jitted = jax.jit(function)
    return lambda: [array.block_until_ready() for array in jitted(arrays)]
