"""What compilers do not see, and what is called in the place of what they made."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Module

Function = Callable[..., Any]
_TRIALS = 3  # calls with gradients at hand after which a function that changes nothing is let be


class UncompiledHook:
    """A hook that is not there for compilers: what they compile is what it is without it.

    Args:
        function: What it calls.
    """

    def __init__(self, function: Function) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return None if torch.compiler.is_compiling() else self._function(*args)


class Around:
    """What is called in the place of compiled functions.

    Args:
        before: Returns what may be changed by a call; nothing where nobody asks.
        after: Takes that, and returns whether there was a step.
    """

    def __init__(self, before: Callable[[], Any], after: Callable[[Any], bool]) -> None:
        self._before = before
        self._after = after

    def compiling(self, compile_function: Function) -> Function:
        """Return `torch.compile` so that functions which it compiles are watched."""

        @functools.wraps(compile_function)
        def compile_(*args: Any, **kwargs: Any) -> Any:
            compiled = compile_function(*args, **kwargs)
            given = args[0] if args else kwargs.get("model")
            if given is None or isinstance(given, Module | type):
                return compiled  # a decorator, which calls `torch.compile` in its turn, or a model
            return self._watched(compiled)

        return compile_

    def _watched(self, function: Function) -> Function:
        left = _TRIALS

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if not left or torch.compiler.is_compiling():
                return function(*args, **kwargs)
            watched = self._before()
            result = function(*args, **kwargs)
            if watched:
                left = _TRIALS if self._after(watched) else left - 1
            return result

        return call
