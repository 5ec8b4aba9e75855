"""One of two things that assign to Keras variables, eagerly and in compiled steps."""

import importlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import keras

_Function = TypeVar("_Function", bound=Callable[..., Any])


def without_autograph(function: _Function) -> _Function:
    """Let `tf.function` trace a function as it is; elsewhere return it."""
    if keras.backend.backend() != "tensorflow":
        return function
    branch = importlib.import_module("gradclip.tensorflow.branch")
    unconverted: _Function = branch.without_autograph(function)
    return unconverted


def without_gradient(function: _Function) -> _Function:
    """Let PyTorch record nothing within a function; elsewhere return it."""
    if keras.backend.backend() != "torch":
        return function
    silent: _Function = importlib.import_module("torch").no_grad()(function)
    return silent


def outside_graphs() -> AbstractContextManager[object]:
    """Open a scope in which a `tf.function` may make variables, and their values are known."""
    if keras.backend.backend() != "tensorflow":
        return nullcontext()
    scope: AbstractContextManager[object] = importlib.import_module("tensorflow").init_scope()
    return scope


def run_one(
    condition: Any,
    then: Callable[[], object],
    otherwise: Callable[[], object],
    variables: Iterable[Any],
) -> None:
    """Do one of two things.

    Args:
        condition: A bool, or a tensor () of the backend. What is known is decided at once, which
            waits for a device.
        then: What to do where it holds.
        otherwise: What to do where it does not.
        variables: All Keras variables that either of them assigns to.
    """
    if isinstance(condition, bool):
        _ = then() if condition else otherwise()
    elif keras.backend.backend() == "tensorflow":
        replicas = importlib.import_module("gradclip.tensorflow.replicas")
        replicas.run_one_on_replicas(condition, then, otherwise)
    elif is_traced(condition):
        _run_one_traced(condition, then, otherwise, list(variables))
    else:
        _ = then() if bool(condition) else otherwise()


def is_traced(value: Any) -> bool:
    """Tell whether a value stands for one that JAX or a TensorFlow graph has yet to compute."""
    backend = keras.backend.backend()
    if backend == "jax":
        return isinstance(value, importlib.import_module("jax").core.Tracer)
    if backend == "tensorflow":
        return not importlib.import_module("tensorflow").executing_eagerly()
    return False


def _run_one_traced(
    condition: Any,
    then: Callable[[], object],
    otherwise: Callable[[], object],
    variables: list[Any],
) -> None:
    """Compute what the variables become in either case, and assign what holds."""
    lax = importlib.import_module("jax").lax
    before = [variable.value for variable in variables]

    def values_after(function: Callable[[], object]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            with keras.StatelessScope(list(zip(variables, before, strict=True))) as scope:
                function()
            return [scope.get_current_value(variable) for variable in variables]

        return run

    after = lax.cond(condition, values_after(then), values_after(otherwise))
    for variable, value in zip(variables, after, strict=True):
        variable.assign(value)
