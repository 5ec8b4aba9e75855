"""Sees what a program clips by itself, with TensorFlow's functions."""

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ref

import tensorflow as tf

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.looking import readable

_NAMES = ("clip_by_value", "clip_by_norm", "clip_by_average_norm", "clip_by_global_norm")


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a clipped tensor was made of."""

    clipped: "ref[Any]"
    tensor: Any
    limit: float


class Origins:
    """What clipped tensors were before, for as long as these exist."""

    def __init__(self) -> None:
        self._known: dict[int, _Origin] = {}

    def add(self, clipped: Any, tensor: Any, limit: float) -> None:
        """Remember that a tensor was clipped."""
        key = id(clipped)
        if clipped is not None and clipped is not tensor:
            reference = ref(clipped, lambda _: self._known.pop(key, None))
            self._known[key] = _Origin(reference, tensor, limit)

    def first(self, tensor: Any) -> tuple[Any, float]:
        """Return what a tensor was before it was clipped for the first time, and the limit.

        Args:
            tensor: A tensor, or None.

        Returns:
            The tensor itself and inf, if it was not clipped.
        """
        limit = math.inf
        while (origin := self._known.get(id(tensor))) is not None and origin.clipped() is tensor:
            tensor, limit = origin.tensor, origin.limit
        return tensor, limit

    def as_they_came(self, tensors: list[Any]) -> tuple[list[Any], float]:
        """Return what tensors were before they were clipped, where that can be read, and the limit.

        Args:
            tensors: Tensors; None where there is none.

        Returns:
            The list itself and inf, if none was clipped; NaN for limits that differ.
        """
        found = [self.first(tensor) for tensor in tensors]
        before = [t if readable(t) else g for (t, _), g in zip(found, tensors, strict=True)]
        if all(b is g for b, g in zip(before, tensors, strict=True)):
            return tensors, math.inf
        limits = {limit for tensor, limit in found if tensor is not None}
        return before, limits.pop() if len(limits) == 1 else math.nan


def watch_clips(session: Session, origins: Origins) -> None:
    """Be told of each call, wherever the functions were imported to.

    Args:
        session: The session.
        origins: What is told.
    """
    home = sys.modules["tensorflow.python.ops.clip_ops"]
    told = {name: _told(getattr(home, name), session, origins) for name in _NAMES}
    original = {name: getattr(home, name) for name in _NAMES}
    for module in list(sys.modules.values()):
        variables = getattr(module, "__dict__", {})
        for name in _NAMES:
            if variables.get(name) is original[name]:
                variables[name] = told[name]


def _told(function: Callable[..., Any], session: Session, origins: Origins) -> Callable[..., Any]:
    """Return a clip function that tells what it made of what."""
    many = function.__name__ == "clip_by_global_norm"

    @functools.wraps(function)
    def clip(*args: Any, **kwargs: Any) -> Any:
        if many and args and not isinstance(args[0], list | tuple):
            args = (list(args[0]), *args[1:])
        result = function(*args, **kwargs)
        with session.ours("Gradients could not be seen before they were clipped"):
            given: Any = args[0] if args else kwargs.get("t_list", kwargs.get("t"))
            if many:
                limit = _number(args[1] if len(args) > 1 else kwargs.get("clip_norm"))
                for clipped, tensor in zip(result[0], given, strict=True):
                    origins.add(clipped, tensor, limit)
            elif tf.is_tensor(given):
                origins.add(result, given, math.nan)
        return result

    told: Callable[..., Any] = tf.autograph.experimental.do_not_convert(clip)
    return told


def _number(limit: Any) -> float:
    """Return a threshold; NaN for one that a graph has yet to compute."""
    return float(limit) if isinstance(limit, int | float) else math.nan
