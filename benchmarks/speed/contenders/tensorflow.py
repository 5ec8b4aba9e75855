"""`clip_by_global_norm` of gradclip and of TensorFlow in a tf.function, with and without XLA."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import gradclip.tensorflow
from benchmarks.speed.contenders.pair import Pair, Run, gradients
from benchmarks.speed.shapes import Shapes


def pairs(shapes: Shapes, limit: float) -> list[Pair]:
    """Return what is timed."""
    tensors = [tf.constant(g) for g in gradients(shapes)]
    own, peer = gradclip.tensorflow.clip_by_global_norm, tf.clip_by_global_norm
    return [
        Pair(
            f"clip_by_global_norm, {name}",
            _traced(own, tensors, limit, jit_compile=jit_compile),
            _traced(peer, tensors, limit, jit_compile=jit_compile),
        )
        for name, jit_compile in (("tf.function", False), ("XLA", True))
    ]


def _traced(
    function: Callable[..., Any], tensors: list[Any], limit: float, *, jit_compile: bool
) -> Run:
    """Return a run of a function, compiled."""
    traced = tf.function(lambda g: function(g, limit), autograph=False, jit_compile=jit_compile)
    return lambda: traced(tensors)[1].numpy()
