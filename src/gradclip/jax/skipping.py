"""Runs that skip too many steps in a row are stopped, compiled ones too."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.skipping import check_skipped


def stop_if_stuck(in_a_row: Array, limit: int | None) -> None:
    """Raise if too many steps in a row were skipped: now, or when the program runs.

    Args:
        in_a_row: The number of steps skipped in a row, ().
        limit: How many are too many; None for never.

    Raises:
        NonFiniteGradientError: They were. From a running program it comes as JAX's own error.
    """
    if limit is None:
        return
    if not isinstance(in_a_row, jax.core.Tracer):
        check_values(in_a_row, limit=limit)
        return
    # Under vmap both branches run, so the callback looks at the value itself.
    jax.lax.cond(
        in_a_row >= limit,
        lambda n: jax.debug.callback(partial(check_values, limit=limit), n),
        lambda _: None,
        in_a_row,
    )


def check_values(in_a_row: Any, *, limit: int | None) -> None:
    """Raise if any of the counts is too high.

    Raises:
        NonFiniteGradientError: One is.
    """
    check_skipped(int(jnp.max(in_a_row)) if isinstance(in_a_row, Array) else int(in_a_row), limit)
