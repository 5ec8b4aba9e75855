"""Puts a function of ours in the place of another one, wherever that was imported to."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


def replace_everywhere(replacements: dict[Function, Function]) -> None:
    """Have all modules call other functions, also those that imported them by name.

    Args:
        replacements: What is called now -> what shall be.
    """
    by_identity = {id(old): (old, new) for old, new in replacements.items()}
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            _replace_in(module, by_identity)


def _replace_in(module: ModuleType, by_identity: dict[int, tuple[Function, Function]]) -> None:
    """Replace functions among a module's variables."""
    variables = vars(module)
    for name, value in list(variables.items()):
        if id(value) in by_identity:
            variables[name] = by_identity[id(value)][1]
