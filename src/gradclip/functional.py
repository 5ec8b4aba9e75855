"""The clipping functions for the tensors of any framework, found by their type."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from gradclip.core.functions import Functions
from gradclip.errors import GradientTypeError

_P = ParamSpec("_P")
_R = TypeVar("_R")
# The package that defines a tensor's type -> the room of gradclip that knows it.
_ROOMS = {
    "numpy": "numpy",
    "ml_dtypes": "numpy",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "jaxlib": "jax",
    "keras": "keras",
}


def functions_for(t: Any) -> Functions:
    """Return the clipping functions of the framework that a tensor, list or tree belongs to.

    Numbers and an empty list belong to NumPy, and so do arrays of NumPy unless another
    framework's tensors stand beside them. No framework is imported that is not loaded already.

    Raises:
        GradientTypeError: The types belong to two frameworks or to none.
    """
    rooms = {room for room in _rooms_of(t) if room is not None} or {"numpy"}
    others = sorted(rooms - {"numpy"})
    if len(others) > 1:
        msg = f"Tensors must belong to one framework, got {' and '.join(others)}."
        raise GradientTypeError(msg)
    module = importlib.import_module(f"gradclip.{others[0] if others else 'numpy'}.functional")
    functions: Functions = module.functions
    return functions


def _rooms_of(t: Any) -> Iterator[str | None]:
    """Yield the room of each tensor in a structure."""
    if t is None or isinstance(t, bool | int | float | complex):
        yield None
        return
    for base in type(t).__mro__:
        room = _ROOMS.get(base.__module__.partition(".")[0])
        if room is not None:
            yield room
            return
    for child in _children(t):
        yield from _rooms_of(child)


def _children(t: Any) -> list[Any]:
    """Return what a container holds; a JAX pytree of any class is one."""
    if isinstance(t, Mapping):
        return list(t.values())
    if isinstance(t, list | tuple | set):
        return list(t)
    leaves = sys.modules["jax"].tree.leaves(t) if "jax" in sys.modules else [t]
    if len(leaves) == 1 and leaves[0] is t:
        msg = (
            f"A gradient must be a tensor of {', '.join(sorted(set(_ROOMS.values())))}, "
            f"or a list of such, got {type(t).__qualname__}."
        )
        raise GradientTypeError(msg)
    return list(leaves)


def _dispatched(method: Callable[Concatenate[Functions, _P], _R]) -> Callable[_P, _R]:
    """Return a function that calls the method of its first argument's framework."""
    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]  # without self
    public = signature.replace(parameters=parameters)

    @functools.wraps(method)
    def function(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        bound = public.bind(*args, **kwargs)
        first = bound.arguments[parameters[0].name]
        if isinstance(first, Iterator):  # looked through here, and still read once
            first = list(first)
            bound.arguments[parameters[0].name] = iter(first)
        return method(functions_for(first), *bound.args, **bound.kwargs)

    function.__signature__ = public  # type: ignore[attr-defined]  # as inspect reads it
    return function


clip_by_value = _dispatched(Functions.clip_by_value)
clip_by_norm = _dispatched(Functions.clip_by_norm)
clip_by_average_norm = _dispatched(Functions.clip_by_average_norm)
clip_by_block_rms = _dispatched(Functions.clip_by_block_rms)
clip_by_global_norm = _dispatched(Functions.clip_by_global_norm)
global_norm = _dispatched(Functions.global_norm)
gradient_statistics = _dispatched(Functions.gradient_statistics)
adaptive_clip = _dispatched(Functions.adaptive_clip)
