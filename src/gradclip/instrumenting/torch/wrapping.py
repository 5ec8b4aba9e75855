"""Functions of PyTorch's that tell of their calls."""

import functools
from collections.abc import Callable
from types import GeneratorType
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]
Keywords = dict[str, Any]
Arguments = tuple[Any, ...]

# Clip functions, and what they call their limit.
_LIMITS = {
    "clip_grad_norm_": "max_norm",
    "clip_grad_value_": "clip_value",
    "clip_grads_with_norm_": "max_norm",
}


def telling(
    function: Function, *, before: Function | None = None, after: Function | None = None
) -> Function:
    """Return a function that tells of its calls; compilers see the function alone.

    Args:
        function: The function.
        before: What is called with the same arguments before each call.
        after: The same after it.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return function(*args, **kwargs)
        if before is not None:
            before(*args, **kwargs)
        result = function(*args, **kwargs)
        if after is not None:
            after(*args, **kwargs)
        return result

    return call


def telling_clips(tell: Callable[[list[Tensor], Any], None]) -> dict[Function, Function]:
    """Return clip functions that tell what they are about to clip, by those they stand for.

    Args:
        tell: What is told: the parameters and the limit.
    """
    found = {name: getattr(torch.nn.utils, name, None) for name in _LIMITS}  # the last one is new
    return {f: _telling_clip(f, _LIMITS[name], tell) for name, f in found.items() if f is not None}


def _telling_clip(
    function: Function, limit: str, tell: Callable[[list[Tensor], Any], None]
) -> Function:
    """Return a clip function that tells what it is about to clip.

    Args:
        function: The function, whose first arguments are parameters and the limit.
        limit: The limit's name.
        tell: What is told: the parameters and the limit.
    """

    @functools.wraps(function)
    def clip(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return function(*args, **kwargs)
        args, kwargs, parameters = _listed(args, kwargs)
        tell(parameters, args[1] if len(args) > 1 else kwargs.get(limit))
        return function(*args, **kwargs)

    return clip


def _listed(args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords, list[Tensor]]:
    """Return arguments that may be read once more, and the parameters among them."""
    given = args[0] if args else kwargs.get("parameters", ())
    if isinstance(given, Tensor):
        return args, kwargs, [given]
    listed = list(given)
    # An empty generator is warned of: it stays one.
    again = (p for p in listed) if isinstance(given, GeneratorType) else listed
    if args:
        return (again, *args[1:]), kwargs, listed
    return args, {**kwargs, "parameters": again}, listed
