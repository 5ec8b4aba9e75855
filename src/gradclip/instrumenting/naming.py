"""Names that are told apart, where several variables have the same."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


def names_of(variables: Sequence[Any]) -> tuple[str, ...]:
    """Return what variables of Keras or TensorFlow are called.

    Example:
        >>> class Variable:
        ...     name = "dense/kernel:0"
        >>> names_of([Variable(), Variable()])
        ('dense/kernel', 'dense/kernel_1')
    """
    given = [str(getattr(v, "path", v.name)).removesuffix(":0") for v in variables]
    return told_apart({None: given})[None]


def told_apart(names: Mapping[_Key, Sequence[str]]) -> dict[_Key, tuple[str, ...]]:
    """Return names of which no two are the same.

    Args:
        names: Groups of names by their keys; the first one of each name keeps it.

    Example:
        >>> told_apart({"generator": ["kernel", "bias"], "discriminator": ["kernel"]})
        {'generator': ('kernel', 'bias'), 'discriminator': ('kernel_1',)}
    """
    taken: set[str] = set()
    return {key: tuple(_taken(name, taken) for name in group) for key, group in names.items()}


def _taken(wanted: str, taken: set[str]) -> str:
    """Return a name that is free, and take it."""
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name
