"""The state of an optimizer: a pytree that counts steps."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["inner", "step", "skipped", "skipped_in_a_row"],
    meta_fields=["structure"],
)
@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an `Optimizer` knows between two steps."""

    inner: Any  # the transformation's own state
    step: Array  # (), int32: the steps that were applied
    skipped: Array  # (), int32: the steps that were dropped for non-finite gradients
    skipped_in_a_row: Array  # (), int32: those since the last applied one
    structure: Any  # the parameters' tree, static


def initial_state(inner: Any, params: Any) -> OptimizerState:
    """Return the state before the first step."""
    # Three arrays, so that each can be donated.
    step, skipped, in_a_row = (jnp.zeros((), jnp.int32) for _ in range(3))
    return OptimizerState(inner, step, skipped, in_a_row, jax.tree.structure(params))


def advance(state: OptimizerState, inner: Any) -> OptimizerState:
    """Return the state after a step that was applied."""
    return dataclasses.replace(
        state,
        inner=inner,
        step=state.step + 1,
        skipped_in_a_row=jnp.zeros_like(state.skipped_in_a_row),
    )


def skip(
    gradients: list[Array | None], variables: list[Array], state: OptimizerState
) -> tuple[list[Array], OptimizerState]:
    """Return the same variables, and the state after a step that was dropped."""
    del gradients
    counted = dataclasses.replace(
        state, skipped=state.skipped + 1, skipped_in_a_row=state.skipped_in_a_row + 1
    )
    return variables, counted
