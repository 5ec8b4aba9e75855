"""optax's `clip_by_global_norm` and `tree.norm`, and gradclip's functions for JAX."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

import gradclip.jax
from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import Outcome, Subject


class Jax(Subject):
    """A function from arrays and a threshold to clipped arrays and their norm.

    Args:
        function: The function.
        compiled: Whether under `jax.jit`; thresholds are constants but in `clip_at`.
    """

    def __init__(self, function: Callable[..., Any], *, compiled: bool = False) -> None:
        self._function = jax.jit(function, static_argnums=1) if compiled else function
        self._traced = jax.jit(function) if compiled else function

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        doubles = any(a is not None and a.dtype == np.float64 for a in arrays)
        with jax.enable_x64(doubles):
            values = [None if a is None else jax.numpy.asarray(a) for a in arrays]
            clipped, norm = self._function(values, limit)
            return Outcome(float(norm), [None if c is None else np.asarray(c) for c in clipped])

    def clip_at(self, array: Array, limit: float) -> Outcome:
        (clipped,), norm = self._traced([jax.numpy.asarray(array)], np.float32(limit))
        return Outcome(float(norm), [np.asarray(clipped)])

    def derivative(self, array: Array, limit: float) -> Array:
        def total(x: jax.Array) -> jax.Array:
            clipped: jax.Array = self._function([x], limit)[0][0]
            return clipped.sum()

        slope: Array = np.asarray(jax.grad(total)(jax.numpy.asarray(array)))
        return slope


class GradclipJax(Jax):
    """gradclip's functions, which clip one tensor too."""

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return Outcome(None, [np.asarray(gradclip.jax.clip_by_norm(array, limit))])


def _optax(updates: list[Any], limit: float) -> tuple[Any, Any]:
    transformation = optax.clip_by_global_norm(limit)
    clipped, _ = transformation.update(updates, transformation.init(updates))
    return clipped, optax.tree.norm(updates)


SUBJECTS = {
    "optax eager": partial(Jax, _optax),
    "optax jit": partial(Jax, _optax, compiled=True),
    "gradclip jax eager": partial(GradclipJax, gradclip.jax.clip_by_global_norm),
    "gradclip jax jit": partial(GradclipJax, gradclip.jax.clip_by_global_norm, compiled=True),
}
