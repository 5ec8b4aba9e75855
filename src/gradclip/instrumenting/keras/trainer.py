"""Hooks around what Keras does on JAX without state."""

import functools
from collections.abc import Callable
from typing import Any

from gradclip.instrumenting.keras.on_jax import OnJax
from gradclip.instrumenting.keras.stepping import Stepping

_PARTS_TRAINED = 4  # of the state: the optimizer's are not in an evaluation's


def watch_trainer(trainer: Any, stepping: Stepping) -> None:
    """Follow the steps of Keras' trainer on JAX.

    Args:
        trainer: Its class.
        stepping: What is told of steps.
    """
    make = trainer._make_function  # noqa: SLF001 - Keras has no public place

    def made(self: Any, step_function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def stepped(state: Any, data: Any) -> Any:
            if len(state) != _PARTS_TRAINED:
                return step_function(state, data)
            return stepping.run(lambda: step_function(state, data))

        return make(self, stepped, *args, **kwargs)

    trainer._make_function = made  # noqa: SLF001 - as above


def watch_stateless(optimizer: Any, backend: OnJax) -> None:
    """Follow what optimizers change that get and return their state.

    Args:
        optimizer: Their class.
        backend: What is told of it.
    """
    stateless_apply = optimizer.stateless_apply

    @functools.wraps(stateless_apply)
    def apply(self: Any, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        with backend.holding(trainable_variables) as changed:
            result = stateless_apply(self, optimizer_variables, grads, trainable_variables)
            changed(result[0])
        return result

    optimizer.stateless_apply = apply
