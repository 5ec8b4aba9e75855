"""Sees what `tf.gradients` differentiates, in graphs."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.graphs import watched

_NAMES = ("gradients", "gradients_v2")  # in TensorFlow's module


def watch_gradients(session: Session, losses: Losses) -> None:
    """Be told of each call, wherever the functions were imported to.

    Args:
        session: The session.
        losses: Where targets go.
    """
    home = sys.modules["tensorflow.python.ops.gradients_impl"]
    original = [getattr(home, name) for name in _NAMES]
    told = {id(function): _told(function, session, losses) for function in original}
    for module in list(sys.modules.values()):
        variables = getattr(module, "__dict__", {})
        for name in _NAMES:
            if any(variables.get(name) is function for function in original):
                variables[name] = told[id(variables[name])]


def _told(function: Callable[..., Any], session: Session, losses: Losses) -> Callable[..., Any]:
    """Return a function that tells what it differentiates."""

    @functools.wraps(function)
    def gradients(ys: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(ys, *args, **kwargs)
        with session.ours():
            targets = [tensor for tensor in tf.nest.flatten(ys) if tf.is_tensor(tensor)]
            for target in targets:
                losses.add(target)
            if not tf.compat.v1.executing_eagerly_outside_functions():
                graph = tf.compat.v1.get_default_graph()
                watched(graph).differentiated(targets, tf.nest.flatten(result))
        return result

    told: Callable[..., Any] = tf.autograph.experimental.do_not_convert(gradients)
    return told
