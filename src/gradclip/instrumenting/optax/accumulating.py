"""`optax.MultiSteps`, which accumulates gradients: what its own transformation gets of them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gradclip.instrumenting.jax.frames import is_traced
from gradclip.instrumenting.optax.clipping import Clipping, Kept
from gradclip.instrumenting.optax.outermost import Given


class Accumulation:
    """One object of `optax.MultiSteps`.

    Args:
        steps: The object, whose own transformation is replaced by one that tells what it gets.
        policy: What clips that; None for nothing.
        tell: Is told what it gets.
    """

    def __init__(self, steps: Any, policy: str | None, tell: Callable[[Any], None]) -> None:
        self._steps = steps
        own = steps._opt  # noqa: SLF001 - optax has no public place, here and below
        self.update = own.update
        clipping = None if policy is None else Clipping(own.init, own.update, policy)

        def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
            tell(updates)
            step = clipping.update if clipping and isinstance(state, Kept) else own.update
            return step(updates, state, params, **extra)

        init = own.init if clipping is None else clipping.init
        steps._opt = own._replace(init=init, update=update)  # noqa: SLF001

    def accumulated(self, given: Given) -> Any:
        """Return the gradients of all batches so far.

        They are calculated once more, from copies: what XLA makes of the program stays as it is.

        Args:
            given: What an update gets.
        """
        steps, count = self._steps, given.state.mini_step
        updates, before = given.updates, given.state.acc_grads
        if is_traced((updates, before)):
            updates, before = jax.lax.optimization_barrier((updates, before))  # type: ignore[no-untyped-call]  # JAX's
        return jax.tree.map(
            lambda update, sum_before: jnp.asarray(
                steps._acc_update(update, sum_before, n_acc=count),  # noqa: SLF001
                jax.dtypes.result_type(update),
            ),
            updates,
            before,
        )

    def emitted(self, before: Any, after: Any) -> Any:
        """Return what became of a batch, (): 1 ended a step, 0 waits for others, -1 was dropped.

        Args:
            before: The state.
            after: The next state.
        """
        kept = jnp.where(before.mini_step != after.mini_step, 0, -1)
        return jnp.where(before.gradient_step != after.gradient_step, 1, kept)

    @property
    def means(self) -> bool:
        """Whether the mean of the batches' gradients is taken, and not their sum."""
        return bool(self._steps._use_grad_mean)  # noqa: SLF001

    @staticmethod
    def kept(state: Any) -> Kept | None:
        """Return the state of its own transformation, if gradclip's policy clips it."""
        return state.inner_opt_state if isinstance(state.inner_opt_state, Kept) else None
