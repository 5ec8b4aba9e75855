"""`clip_by_global_norm` of gradclip and of optax: jitted alone, and before Adam."""

from collections.abc import Callable
from typing import Any

import jax
import optax

import gradclip.jax
import gradclip.optax
from benchmarks.speed.contenders.case import Case
from benchmarks.speed.timing import Contender

_RATE = 1e-3


def contenders(case: Case) -> list[Contender]:
    """Return who is timed; all wait for their results."""
    arrays = [jax.numpy.asarray(g) for g in case.arrays()]
    return [*_alone(case.limit, arrays), *_in_adam(case.limit, arrays)]


def _alone(limit: float, arrays: list[jax.Array]) -> list[Contender]:
    transformation = optax.clip_by_global_norm(limit)
    state = transformation.init(arrays)
    clips: dict[str, Callable[[Any], Any]] = {
        "optax.clip_by_global_norm": lambda g: transformation.update(g, state)[0],
        "gradclip.jax.clip_by_global_norm": lambda g: gradclip.jax.clip_by_global_norm(g, limit),
    }
    clips["gradclip, four statistics"] = lambda g: _with_statistics(g, limit)
    return [_jitted(name, clip, arrays) for name, clip in clips.items()] + [
        _donated(name, clip, arrays) for name, clip in clips.items()
    ]


def _with_statistics(gradients: Any, limit: float) -> Any:
    found = gradclip.jax.gradient_statistics(gradients)
    clipped, _ = gradclip.jax.clip_by_global_norm(gradients, limit, use_norm=found.global_norm)
    return clipped, found


def _jitted(name: str, clip: Callable[[Any], Any], arrays: list[jax.Array]) -> Contender:
    jitted = jax.jit(clip)
    return Contender(name, lambda: jax.block_until_ready(jitted(arrays)), "jit")


def _donated(name: str, clip: Callable[[Any], Any], arrays: list[jax.Array]) -> Contender:
    """Return a contender that may write over the gradients; each turn gets new ones."""
    # Statistics of each tensor can reuse no gradient's memory, of which JAX would warn.
    jitted = jax.jit(clip, donate_argnums=0)
    copies: list[jax.Array] = []

    def prepare() -> None:
        copies[:] = jax.block_until_ready([array.copy() for array in arrays])

    return Contender(name, lambda: jax.block_until_ready(jitted(copies)), "jit, donated", prepare)


def _in_adam(limit: float, arrays: list[jax.Array]) -> list[Contender]:
    adam, policy = optax.adam(_RATE), gradclip.GlobalNorm(limit)

    def with_statistics(gradients: Any, state: Any, parameters: Any) -> Any:
        clipped, found = _with_statistics(gradients, limit)
        return *adam.update(clipped, state, parameters), found

    chains = {
        "optax.chain(clip_by_global_norm, adam)": optax.clip_by_global_norm(limit),
        "gradclip.optax.clip_by_global_norm in it": gradclip.optax.clip_by_global_norm(limit),
        # Counting skipped steps calls the host back at each; max_skipped=None does without.
        "gradclip.optax.clip(GlobalNorm) in it": gradclip.optax.clip(policy),
        "gradclip.optax.clip(GlobalNorm, max_skipped=None)": gradclip.optax.clip(
            policy, max_skipped=None
        ),
    }
    updates = {name: optax.chain(clip, adam) for name, clip in chains.items()}
    updates["optax.adam alone, no clipping"] = adam
    listed = [
        _step(name, transformation.init, transformation.update, arrays)
        for name, transformation in updates.items()
    ]
    return [*listed, _step("gradclip, four statistics", adam.init, with_statistics, arrays)]


def _step(name: str, init: Any, update: Any, arrays: list[jax.Array]) -> Contender:
    """Return a step whose parameters and state are donated, as a training loop does it."""

    def step(gradients: Any, state: Any, parameters: Any) -> Any:
        updates, state, *found = update(gradients, state, parameters)
        return state, optax.apply_updates(parameters, updates), found

    jitted = jax.jit(step, donate_argnums=(1, 2))
    kept = [init(arrays), [jax.numpy.zeros_like(array) for array in arrays]]

    def run() -> None:
        *kept[:], _ = jax.block_until_ready(jitted(arrays, *kept))

    return Contender(name, run, "before Adam, state donated")
