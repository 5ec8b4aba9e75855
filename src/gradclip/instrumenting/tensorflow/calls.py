"""Tells when a program calls what `tf.function` compiled."""

import functools
import importlib
from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf


class Watcher(Protocol):
    """What is told of calls."""

    def before_call(self) -> None:
        """Be told that a compiled function is about to run."""

    def after_call(self) -> None:
        """Be told that it has run."""

    def fail_call(self) -> None:
        """Be told that it has raised."""


def watch_calls(watcher: Watcher) -> None:
    """Tell of each call of a compiled function that is not made by another one.

    Args:
        watcher: What is told, in the thread of the call.
    """
    module = importlib.import_module("tensorflow.python.eager.polymorphic_function")
    kind = module.polymorphic_function.Function
    kind.__call__ = _told(kind.__call__, watcher)


def _told(function: Callable[..., Any], watcher: Watcher) -> Callable[..., Any]:
    """Return a method that tells of its calls."""

    @functools.wraps(function)
    def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not tf.executing_eagerly() and tf.compat.v1.executing_eagerly_outside_functions():
            return function(self, *args, **kwargs)  # within the tracing of another one
        watcher.before_call()
        try:
            result = function(self, *args, **kwargs)
        except BaseException:
            watcher.fail_call()
            raise
        watcher.after_call()
        return result

    return told
