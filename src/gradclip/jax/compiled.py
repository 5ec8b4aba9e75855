"""Functions compiled as one program each, so that eager use is few dispatches.

Within a traced program each is traced and lowered once for all tensors of a shape and type.
Inlined, 300 tensors took ten times as long to trace and lower, and twice as long to compile.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def compiled(*static: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function once per shape and type; within a traced program it is part of it.

    Args:
        *static: The names of arguments that are no arrays.

    Returns:
        The decorator, which keeps the function's signature, as `jax.jit` does not.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return jax.jit(function, static_argnames=static)

    return decorate
