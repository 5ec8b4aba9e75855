"""`jax.value_and_grad` and `jax.grad` that tell the loss and its gradients."""

import functools
from collections.abc import Callable
from typing import Any

from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.jax.others import Others


def following_value_and_grad(
    value_and_grad: Callable[..., Any], follower: Follower
) -> Callable[..., Any]:
    """Return `jax.value_and_grad` whose results are followed.

    Args:
        value_and_grad: JAX's own.
        follower: Who is told.
    """

    @functools.wraps(value_and_grad)
    def following(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        own: Callable[..., Any] = value_and_grad(fun, *args, **kwargs)
        of_keras = _is_of_keras(fun)
        has_aux = bool(kwargs.get("has_aux", args[1] if len(args) > 1 else False))

        @functools.wraps(own)
        def differentiate(*args: Any, **kwargs: Any) -> Any:
            value, gradients = own(*args, **kwargs)
            if of_keras:
                _trained(value, follower)
            else:
                _differentiated(value[0] if has_aux else value, gradients, follower)
            return value, gradients

        return differentiate

    return following


def following_grad(
    grad: Callable[..., Any], value_and_grad: Callable[..., Any], follower: Follower
) -> Callable[..., Any]:
    """Return `jax.grad`, which knows the loss as well, followed.

    Args:
        grad: JAX's own.
        value_and_grad: JAX's own, which that one is made of.
        follower: Who is told.
    """

    @functools.wraps(grad)
    def following(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        own: Callable[..., Any] = grad(fun, *args, **kwargs)
        if _is_of_keras(fun):
            return own
        has_aux = bool(kwargs.get("has_aux", args[1] if len(args) > 1 else False))
        both = value_and_grad(fun, *args, **kwargs)

        @functools.wraps(own)
        def differentiate(*args: Any, **kwargs: Any) -> Any:
            value, gradients = both(*args, **kwargs)
            loss, *aux = value if has_aux else (value,)
            _differentiated(loss, gradients, follower)
            return (gradients, *aux) if has_aux else gradients

        return differentiate

    return following


def _differentiated(loss: Any, gradients: Any, follower: Follower) -> None:
    """Tell of a loss and its gradients those whose they are."""
    take, taken = follower.session.shared(Others).take, False
    if take is not None:
        with follower.session.ours("A loss could not be seen"):
            taken = take(loss, gradients)
    if not taken:
        follower.differentiated(loss, gradients)


def _trained(value: Any, follower: Follower) -> None:
    """Tell of a loss of Keras' trainer: beside one that is scaled it returns that first."""
    train = follower.session.shared(Others).train
    if train is not None:
        with follower.session.ours("A loss could not be seen"):
            train(value[1][0])


def _is_of_keras(function: Callable[..., Any]) -> bool:
    """Tell whether a function is Keras's trainer's, whose steps its own hooks see."""
    inner = getattr(function, "__func__", function)
    return str(getattr(inner, "__module__", "")).startswith("keras.")
