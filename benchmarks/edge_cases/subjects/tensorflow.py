"""TensorFlow's clipping functions, and gradclip's under the same names."""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

import gradclip.tensorflow
from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import Outcome, Subject


class TensorFlow(Subject):
    """A module with TensorFlow's names, in one of TensorFlow's three ways to run.

    Args:
        module: `tf` or `gradclip.tensorflow`.
        compile: What makes a function of a function.
    """

    def __init__(self, module: Any, compile: Callable[..., Any]) -> None:  # noqa: A002
        self._clip = compile(module.clip_by_global_norm)
        self._clip_one = compile(module.clip_by_norm)
        self._compile = compile

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        tensors = [None if array is None else tf.constant(array) for array in arrays]
        clipped, norm = self._clip(tensors, limit)
        return Outcome(_number(norm), [None if c is None else c.numpy() for c in clipped])

    def clip_at(self, array: Array, limit: float) -> Outcome:
        clipped, norm = self._clip([tf.constant(array)], tf.constant(limit, tf.float32))
        return Outcome(_number(norm), [clipped[0].numpy()])

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return Outcome(None, [self._clip_one(tf.constant(array), limit).numpy()])

    def clip_rows(self, values: Array, limit: float) -> Outcome:
        slices = tf.IndexedSlices(
            tf.constant(values), tf.ones(len(values), tf.int32), tf.constant([4, 1])
        )
        (clipped,), norm = self._clip([slices], limit)
        return Outcome(_number(norm), [tf.convert_to_tensor(clipped).numpy()])

    def derivative(self, array: Array, limit: float) -> Array:
        def slope(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(self._clip_one(x, limit))
            return tape.gradient(total, x)

        result: Array = self._compile(slope)(tf.constant(array)).numpy()
        return result


def _number(norm: Any) -> float:
    return float(tf.convert_to_tensor(norm).numpy())


def _eager(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _traced(function: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    traced: Callable[..., Any] = tf.function(function, autograph=False, **options)
    return traced


_MODES: dict[str, Callable[..., Any]] = {
    "eager": _eager,
    "function": _traced,
    "XLA": partial(_traced, jit_compile=True),
}
SUBJECTS = {
    f"{name} {mode}": partial(TensorFlow, module, compile)
    for name, module in (("tensorflow", tf), ("gradclip tensorflow", gradclip.tensorflow))
    for mode, compile in _MODES.items()  # noqa: A001
}
