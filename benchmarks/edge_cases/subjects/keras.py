"""Keras's own clipping, which lives in its optimizers, and gradclip's functions for Keras."""

from typing import Any

import keras
import tensorflow as tf

import gradclip.keras
from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import NotOfferedError, Outcome, Subject


class Keras(Subject):
    """`global_clipnorm` and `clipnorm` of an optimizer, by the method that its steps clip with."""

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        gradients = [None if a is None else _tensor(a) for a in arrays]
        return _clip(gradients, global_clipnorm=limit)

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return _clip([_tensor(array)], clipnorm=limit)

    def clip_rows(self, values: Array, limit: float) -> Outcome:
        slices = tf.IndexedSlices(
            tf.constant(values), tf.ones(len(values), tf.int32), tf.constant([4, 1])
        )
        return _clip([slices], global_clipnorm=limit)

    def measure(self, arrays: Arrays) -> float:
        """Return gradclip's norm: Keras tells none."""
        return float(gradclip.keras.global_norm([tf.constant(a) for a in arrays]))


def _clip(gradients: list[Any], **clipping: float) -> Outcome:
    optimizer = keras.optimizers.SGD(**clipping)
    clipped = optimizer._clip_gradients(gradients)  # noqa: SLF001 - a step would round as well
    return Outcome(None, [_array(g) for g in clipped])


def _array(tensor: Any) -> Array | None:
    array: Array | None = None if tensor is None else tf.convert_to_tensor(tensor).numpy()
    return array


def _tensor(array: Array) -> Any:
    if array.dtype.kind == "c":
        raise NotOfferedError  # Keras has no complex variables
    return tf.constant(array)


class GradclipKeras(Subject):
    """`gradclip.keras`."""

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        tensors = [None if a is None else _tensor(a) for a in arrays]
        clipped, norm = gradclip.keras.clip_by_global_norm(tensors, limit)
        return Outcome(float(norm), [None if c is None else c.numpy() for c in clipped])

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return Outcome(None, [gradclip.keras.clip_by_norm(tf.constant(array), limit).numpy()])


SUBJECTS = {"keras eager": Keras, "gradclip keras eager": GradclipKeras}
