"""Reports of steps in JAX: pytrees with static names, found in any state."""

import dataclasses
from typing import Any

import jax
from jax import Array

from gradclip.core.policies.report import Report
from gradclip.core.statistics import Statistics
from gradclip.errors import ConfigurationError
from gradclip.jax.names import name_of, opened
from gradclip.jax.steps import ClipState

_NUMBERS = [f.name for f in dataclasses.fields(Report) if f.name != "names"]
jax.tree_util.register_dataclass(Report, data_fields=_NUMBERS, meta_fields=["names"])


def report(state: Any) -> Report:
    """Return what the last step came to, from the state of whatever has clipped.

    Args:
        state: A `ClipState`, or a pytree that holds one: the state of an `optax.chain`, of a
            training loop, of Flax's `nnx.Optimizer`. Traced or not.

    Returns:
        The report: a pytree whose names are static, which compiled functions may return.

    Raises:
        ConfigurationError: There is no clipping in it, or several.

    Example:
        >>> import jax.numpy as jnp, gradclip
        >>> clipper = gradclip.jax.Clipper(gradclip.GlobalNorm(1.0))
        >>> grads = {"b": jnp.array([3.0]), "w": jnp.array([4.0])}
        >>> grads, state = clipper(grads, clipper.init(grads))
        >>> print(gradclip.jax.report(state))
        norm 5 -> 1, limit 1, scale 0.2
          b  3 -> 0.6
          w  4 -> 0.8
    """
    found = reports(state)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        msg = f"`state` must hold one clipping, got {len(found)}. Call reports(state) for all."
    else:
        msg = (
            "`state` must hold a clipping by a policy, got none. Clip with gradclip.optax.clip, "
            "and pass the state that update returned."
        )
    raise ConfigurationError(msg)


def reports(state: Any) -> dict[str, Report]:
    """Return what the last step came to, for every clipping in a state.

    Args:
        state: As in `report`.

    Returns:
        The reports by their places in the state.

    Example:
        >>> import jax.numpy as jnp, optax, gradclip.optax
        >>> chain = optax.chain(gradclip.optax.clip("norm=1"), gradclip.optax.clip("norm=2"))
        >>> list(reports(chain.init(jnp.zeros(2))))
        ['0', '1']
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(state, is_leaf=_is_clip_state)
    return {name_of(path): report_of(node) for path, node in paths if _is_clip_state(node)}


def report_of(state: ClipState) -> Report:
    """Return the report of one state."""
    kept = [name for name in _NUMBERS if name not in {"skipped", "statistics"}]
    numbers: dict[str, Any] = {name: _array(getattr(state, name)) for name in kept}
    skipped = _array(state.skipped_in_a_row) > 0
    leaves = jax.tree.leaves(state.statistics)
    return Report(
        names=opened(state.names),
        skipped=skipped,
        statistics=Statistics(*leaves) if leaves else None,
        **numbers,
    )


def _array(entry: Any) -> Array:
    """Return an entry without the variable that Flax may have wrapped around it."""
    array: Array
    (array,) = jax.tree.leaves(entry)
    return array


def _is_clip_state(node: Any) -> bool:
    return isinstance(node, ClipState)
