"""What a program calls its objects: the variables of `__main__` and of functions."""

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import torch

import gradclip

# Files whose variables say nothing of the program.
_OURS = tuple(str(Path(str(module.__file__)).parent) for module in (gradclip, torch))
_MOST = 1000  # entries of a container that are looked at
_SELF = ("self", "cls")
_REFERENCES = 3  # to a frame's dictionary that nobody else has: the frame's, ours, the argument's


def variables_of(wanted: set[int]) -> dict[int, str]:
    """Return what variables hold objects, by the objects' identities.

    Those of `__main__` come first, then those of the functions that are being called, from the
    outermost on; then what stands in lists, dictionaries and attributes of such variables.

    Args:
        wanted: The identities of the objects.

    Returns:
        The names; those that no variable holds are missing.

    Example:
        >>> def train():
        ...     w1, layers = [1], {"first": [2]}
        ...     return variables_of({id(w1), id(layers["first"])}).values()
        >>> sorted(train())
        ['layers.first', 'w1']
    """
    found: dict[int, str] = {}
    for name, value in variables():
        if id(value) in wanted:
            found.setdefault(id(value), name)
    return found


def variables() -> Iterator[tuple[str, Any]]:
    """Yield variables and their values, then what is in them."""
    spaces = _namespaces()
    for space in spaces:
        yield from ((name, value) for name, value in space.items() if name not in _SELF)
    for space in spaces:
        for name, value in space.items():
            yield from _members(name, value)


def _namespaces() -> list[dict[str, Any]]:
    """Return the variables of `__main__`, and of the frames on the stack, outermost first."""
    main = vars(sys.modules["__main__"])
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the way to a stack
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_OURS):
            frames.append(frame)
        frame = frame.f_back
    # A copy each: threads of the program may add variables meanwhile.
    return [_named(dict(main)), *(_named(_locals(frame)) for frame in reversed(frames))]


def _named(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables that have a name of their own."""
    return {n: v for n, v in variables.items() if not n.startswith(("_", "@", "."))}


def _locals(frame: FrameType) -> dict[str, Any]:
    """Return a copy of a frame's variables, and leave nothing alive that it drops later.

    Before Python 3.13 a function's frame keeps the dictionary that is asked for, and so every
    value in it, until it returns.
    """
    held = frame.f_locals
    copy = dict(held)
    optimized = frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if optimized and type(held) is dict and sys.getrefcount(held) <= _REFERENCES:
        held.clear()
    return copy


def _members(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is in a list, a dictionary, or in an object's attributes."""
    if isinstance(value, type | ModuleType | FunctionType):
        return
    if issubclass(type(value), list | tuple):
        for i, member in enumerate(value[:_MOST]):
            yield f"{name}.{i}", member
    elif issubclass(type(value), dict):
        if len(value) <= _MOST:
            yield from ((f"{name}.{key}", member) for key, member in dict(value).items())
    else:
        yield from _named(dict(_attributes(value))).items()


def _attributes(value: Any) -> Mapping[str, Any]:
    """Return an object's attributes, without calling anything of the program."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict and len(found) <= _MOST else {}
