"""A choice between two computations, made now where the condition is known."""

from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

_Function = TypeVar("_Function", bound=Callable[..., Any])


def without_autograph(function: _Function) -> _Function:
    """Let `tf.function` trace a function as it is, instead of rewriting its source first."""
    unconverted: _Function = tf.autograph.experimental.do_not_convert(function)
    return unconverted


def traced_once(function: _Function) -> _Function:
    """Make a function of flat tensors one call in a graph.

    A list of hundreds of tensors would else trace the same branches hundreds of times, which
    takes minutes; XLA takes such a call apart again.

    Args:
        function: A function of tensors whose sizes differ from call to call.

    Returns:
        The function, to be called in eager execution and in graphs.
    """
    traced: _Function = tf.function(function, autograph=False, reduce_retracing=True)
    return traced


def choose(condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """Compute one of two things of the same structure, types and shapes.

    Args:
        condition: A bool, or a scalar bool tensor.
        then: What to compute where it holds.
        otherwise: What to compute where it does not.

    Returns:
        What the one returned: at once in eager execution, by `tf.cond` in a graph.
    """
    if isinstance(condition, bool) or tf.executing_eagerly():
        return then() if condition else otherwise()
    return tf.cond(condition, then, otherwise)


def run_one(condition: Any, then: Callable[[], object], otherwise: Callable[[], object]) -> None:
    """Do one of two things that assign to variables; a function runs them by itself.

    Args:
        condition: A bool, or a scalar bool tensor.
        then: What to do where it holds.
        otherwise: What to do where it does not.
    """

    def done(function: Callable[[], object]) -> Callable[[], Any]:
        def run() -> Any:
            function()
            return tf.zeros([])

        return run

    choose(condition, done(then), done(otherwise))


def compiled_by_xla() -> bool:
    """Tell whether what is traced is for XLA: for `jit_compile=True`, or for a TPU."""
    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(graph)


def known(condition: Any) -> bool | None:
    """Return whether a condition holds for all entries; None if a graph has yet to tell."""
    if isinstance(condition, bool):
        return condition
    if tf.executing_eagerly() and not tf.is_symbolic_tensor(condition):
        return bool(tf.reduce_all(condition))
    return None
