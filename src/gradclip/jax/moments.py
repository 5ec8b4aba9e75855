"""Moments that optax's transformations keep of the gradients: reset, and read."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.policies.resets import Reset
from gradclip.jax.names import take_apart

# What optax's states call their running means: Adam's and its kin's, momentum's.
_MOMENTS = ("mu", "nu", "nu_max", "trace")
_SECOND = "nu"


def reset_moments(inner: Any, resets: list[Reset], step: Array) -> Any:
    """Set moments to zero after the steps that resets name.

    The transformation's count of steps, by which Adam corrects for the bias of its start, goes
    on, as in SPAM's own optimizer.

    Args:
        inner: The state of a transformation, after a step.
        resets: Of which parameters, and how often.
        step: The number of steps so far, this one included, ().

    Returns:
        The state.
    """
    for every, names in resets:
        inner = _map_moments(inner, set(names), partial(_unless_due, step % every == 0))
    return inner


def has_moments(inner: Any, names: tuple[str, ...]) -> bool:
    """Tell whether a state keeps moments of some of these parameters."""
    return any(name in names for field in _MOMENTS for name, _ in _kept(inner, field))


def second_moments(inner: Any) -> dict[str, Array]:
    """Return the second moments in a state by the parameters' names."""
    return dict(_kept(inner, _SECOND))


def _kept(inner: Any, field: str) -> Iterator[tuple[str, Array]]:
    """Yield names and moments of one kind.

    Yields:
        The pairs.
    """
    for node in jax.tree.leaves(inner, is_leaf=_keeps_moments):
        if hasattr(node, field) and _keeps_moments(node):
            named = take_apart(getattr(node, field))
            pairs = zip(named.names, named.tensors, strict=True)
            yield from ((name, moment) for name, moment in pairs if moment is not None)


def _map_moments(inner: Any, names: set[str], function: Callable[[Array], Array]) -> Any:
    """Return a state with other moments of some parameters."""

    def changed(tree: Any) -> Any:
        named = take_apart(tree)
        pairs = zip(named.names, named.tensors, strict=True)
        moments = [
            m if m is None or name not in names else function(m).astype(m.dtype)
            for name, m in pairs
        ]
        return named.rebuild(moments)

    def visited(node: Any) -> Any:
        if not _keeps_moments(node):
            return node
        kept = [name for name in _MOMENTS if hasattr(node, name)]
        return node._replace(**{name: changed(getattr(node, name)) for name in kept})

    return jax.tree.map(visited, inner, is_leaf=_keeps_moments)


def _unless_due(due: Array, moment: Array) -> Array:
    return jnp.where(due, 0.0, moment)


def _keeps_moments(node: Any) -> bool:
    """Tell whether a node is a state such as `optax.ScaleByAdamState`."""
    return any(name in getattr(node, "_fields", ()) for name in _MOMENTS)
