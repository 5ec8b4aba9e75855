"""The arithmetic of policies on JAX arrays, within a scope that allows float64."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from gradclip.core.arithmetic import LARGEST, SMALLEST
from gradclip.jax.compiled import compiled
from gradclip.jax.wide import rounded, widen

_rounded = compiled("dtype")(rounded)


class JaxArithmetic:
    """JAX's side of `gradclip.core.arithmetic.Arithmetic`, where each verb is described.

    Args:
        given: The type in which users get norms.
    """

    def __init__(self, given: np.dtype[Any]) -> None:
        self._given = given

    def sqrt(self, x: Any) -> Array:
        """Return the square root."""
        return jnp.sqrt(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Choose by entry; at once where the condition is known."""
        if isinstance(condition, bool):
            return x if condition else y
        return jnp.where(condition, x, y)

    def isfinite(self, x: Any) -> Array:
        """Tell by entry."""
        return jnp.isfinite(x)

    def any(self, condition: Any) -> Array:
        """Return whether it holds for any entry."""
        return jnp.any(condition)

    def wide(self, value: Any) -> Array:
        """Return a float64 value."""
        if isinstance(value, Array) and jnp.issubdtype(value.dtype, jnp.floating):
            return widen(value)
        return jnp.asarray(value, jnp.float64)

    def rounded(self, x: Any) -> Array:
        """Round to the given type."""
        return _rounded(x, self._given)

    def load(self, stored: Any) -> Array:
        """Return a float64 value."""
        return jnp.asarray(stored).astype(jnp.float64)

    def store(self, x: Any) -> Array:
        """Return a float32 value, denormals as 0."""
        limited = jnp.clip(x, -LARGEST, LARGEST)
        return jnp.where(jnp.abs(limited) < SMALLEST, 0.0, limited).astype(jnp.float32)

    def zeros(self, like: Any, length: int | None = None) -> Array:
        """Return zeros."""
        shape = jnp.shape(like)
        return jnp.zeros(shape if length is None else (length, *shape), jnp.float64)

    def put(self, window: Array, position: Any, value: Any) -> Array:
        """Return the window with the value in one place."""
        return jnp.where(_places(window) == position, value, window)

    def quantile(self, window: Array, count: Any, q: float) -> Array:
        """Return the quantile of the first entries."""
        places = _places(window)
        entries = jnp.sort(jnp.where(places < count, window, jnp.inf), axis=0)
        last = jnp.maximum(count - 1.0, 0.0)
        place = q * last
        below = jnp.floor(place)
        above = jnp.minimum(below + 1.0, last)
        low, high = (jnp.sum(jnp.where(places == at, entries, 0.0), 0) for at in (below, above))
        return jnp.where(count > 0, low + (place - below) * (high - low), 0.0)


def _places(window: Array) -> Array:
    """Return the index along the first axis, (W, 1, ...)."""
    places = jnp.arange(len(window), dtype=jnp.float64)
    return places.reshape(-1, *(1,) * (window.ndim - 1))
