"""Parameters by their names: which a pattern means, and which belong to one layer."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gradclip.errors import ConfigurationError

_SEPARATORS = re.compile(r"[./]")
Groups = Mapping[str, str | tuple[str, ...]] | Callable[[str], Any]


def matches(name: str, pattern: str) -> bool:
    """Tell whether a pattern means a parameter.

    Args:
        name: A parameter's name, its parts separated by dots or slashes.
        pattern: Shell wildcards, matched against the whole name and against every run of
            consecutive parts: `head` means `model.head.weight`, `bias` means `head.bias`.

    Returns:
        Whether it does.

    Example:
        >>> matches("model.head.weight", "head"), matches("model.header.weight", "head")
        (True, False)
        >>> matches("blocks/3/mlp/kernel", "blocks.3"), matches("fc1.weight", "fc*.weight")
        (True, True)
    """
    parts = _SEPARATORS.split(name)
    dotted = _SEPARATORS.sub(".", pattern)
    runs = (
        ".".join(parts[start:stop])
        for start in range(len(parts))
        for stop in range(start + 1, len(parts) + 1)
    )
    return any(fnmatchcase(run, dotted) for run in runs)


def layer_of(name: str) -> str:
    """Return the layer that a parameter belongs to: its name without the last part.

    Example:
        >>> layer_of("encoder.0.weight"), layer_of("dense/kernel"), layer_of("w1")
        ('encoder.0', 'dense', 'w1')
    """
    cut = max(name.rfind("."), name.rfind("/"))
    return name[:cut] if cut > 0 else name


def label_of(name: str, groups: Groups) -> str:
    """Return the group that a parameter belongs to.

    Args:
        name: The parameter's name.
        groups: A function from names to groups, or patterns by group, the first match counts.
            What nothing matches is a group of its own, `""`.

    Raises:
        ConfigurationError: The function did not return a text.

    Example:
        >>> label_of("head.bias", {"head": "head", "rest": "*"})
        'head'
    """
    if isinstance(groups, Mapping):
        for label, patterns in groups.items():
            if any(matches(name, p) for p in _as_tuple(patterns)):
                return label
        return ""
    label = groups(name)
    if isinstance(label, str):
        return label
    msg = f"`groups` must return a text for every name, got {label!r} for {name!r}."
    raise ConfigurationError(msg)


def indices_by_label(labels: list[str]) -> dict[str, tuple[int, ...]]:
    """Return the places of each label, in the order of first appearance.

    Example:
        >>> indices_by_label(["a", "b", "a"])
        {'a': (0, 2), 'b': (1,)}
    """
    places: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        places.setdefault(label, []).append(i)
    return {label: tuple(indices) for label, indices in places.items()}


def check_patterns(patterns: object, *, of: str) -> tuple[str, ...]:
    """Return patterns as a tuple.

    Raises:
        ConfigurationError: One is no text, or empty.
    """
    result = _as_tuple(patterns)
    for pattern in result:
        if not (isinstance(pattern, str) and pattern):
            msg = f"{of} takes patterns such as 'head' or 'blocks.*.bias', got {pattern!r}."
            raise ConfigurationError(msg)
    return result


def _as_tuple(patterns: Any) -> tuple[Any, ...]:
    return tuple(patterns) if isinstance(patterns, tuple | list) else (patterns,)
