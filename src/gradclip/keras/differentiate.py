"""Gradients of a loss by Keras variables, on the backends that differentiate tensors."""

import importlib
from collections.abc import Callable
from typing import Any

import keras

from gradclip.errors import ConfigurationError


def gradients_of(loss: Any, variables: list[Any], grad_loss: Any) -> list[Any]:
    """Return the gradient of the loss by each variable.

    Args:
        loss: A callable that returns the loss; on PyTorch also the loss itself.
        variables: Keras variables.
        grad_loss: The gradient of what follows with regard to the loss; None for ones.

    Returns:
        Tensors of the backend. Where the loss does not depend on a variable: None on PyTorch,
        zeros on JAX.

    Raises:
        ConfigurationError: The backend cannot differentiate this loss.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        return _torch_gradients(loss, variables, grad_loss)
    if backend != "jax":
        msg = f"Keras' backend must differentiate: tensorflow, torch or jax, got {backend!r}."
        raise ConfigurationError(msg)
    if not callable(loss):
        msg = f"`loss` must be a callable on JAX, which differentiates functions, got {loss!r}."
        raise ConfigurationError(msg)
    return _jax_gradients(loss, variables, grad_loss)


def _torch_gradients(loss: Any, variables: list[Any], grad_loss: Any) -> list[Any]:
    torch = importlib.import_module("torch")
    with torch.enable_grad():
        value = loss() if callable(loss) else loss
    tensors = [variable.value for variable in variables]
    return list(torch.autograd.grad(value, tensors, grad_loss, allow_unused=True))


def _jax_gradients(loss: Callable[[], Any], variables: list[Any], grad_loss: Any) -> list[Any]:
    """Differentiate by the variables' values, and carry out what the loss assigned to others."""
    jax = importlib.import_module("jax")
    assigned: list[Any] = []  # the variables, whose values leave the function as a result

    def total(values: list[Any]) -> tuple[Any, list[Any]]:
        with _Assignments(zip(variables, values, strict=True)) as scope:
            value = loss()
        assigned[:] = [variable for variable, _ in scope.updates.values()]
        return value, [update for _, update in scope.updates.values()]

    value, pullback, updates = jax.vjp(total, [v.value for v in variables], has_aux=True)
    for variable, update in zip(assigned, updates, strict=True):
        variable.assign(update)
    upstream = jax.numpy.ones_like(value) if grad_loss is None else grad_loss
    return list(pullback(jax.numpy.asarray(upstream, value.dtype))[0])


class _Assignments(keras.StatelessScope):  # type: ignore[misc]  # Keras has no types
    """A scope that remembers which variables were assigned to."""

    def __init__(self, state_mapping: Any) -> None:
        super().__init__(state_mapping=list(state_mapping))
        self.updates: dict[int, tuple[Any, Any]] = {}

    def add_update(self, update: tuple[Any, Any]) -> None:
        super().add_update(update)
        self.updates[id(update[0])] = update
