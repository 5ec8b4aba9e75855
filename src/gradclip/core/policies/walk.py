"""What a policy is made of."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from gradclip.core.policies.clip import Clip
from gradclip.core.policies.method import Method


def walk(policy: Any) -> Iterator[Any]:
    """Yield a policy and all policies within it, named methods as what carries them out.

    Example:
        >>> import gradclip
        >>> [type(p).__name__ for p in walk(gradclip.Chain(gradclip.Norm(1.0), gradclip.ZClip()))]
        ['Chain', 'Clip', 'Clip']
    """
    if isinstance(policy, Method):
        yield from walk(policy.policy())
        return
    if isinstance(policy, tuple | list):
        children = list(policy)
    elif isinstance(policy, Mapping):
        children = list(policy.values())
    elif hasattr(policy, "update") and hasattr(policy, "init"):
        yield policy
        children = [] if isinstance(policy, Clip) else _fields(policy)
    else:
        return
    for child in children:
        yield from walk(child)


def _fields(policy: Any) -> list[Any]:
    return [getattr(policy, f.name) for f in fields(policy)] if is_dataclass(policy) else []
