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


def telling_clip(
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
