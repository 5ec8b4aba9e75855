"""TensorFlow variables that hold what a policy remembers."""

from typing import Any

import numpy as np
import tensorflow as tf


class TensorFlowVariables:
    """TensorFlow's side of `gradclip.core.policies.memory.Variables`.

    Args:
        held: Where the variables are put by their names.
    """

    def __init__(self, held: dict[str, tf.Variable]) -> None:
        self._held = held

    def make(self, name: str, value: Any) -> tf.Variable:
        """Return a variable that is no parameter."""
        if isinstance(value, float | list):
            integers = isinstance(value, list) and all(isinstance(x, int) for x in value)
            value = np.asarray(value, np.int64 if integers else np.float32)
        self._held[name] = tf.Variable(
            value,
            trainable=False,
            name=name,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        return self._held[name]

    def read(self, variable: tf.Variable, like: Any) -> Any:
        """Return the value."""
        value = tf.convert_to_tensor(variable)
        if tf.executing_eagerly() and isinstance(like, float | list):
            return value.numpy().tolist()
        return value

    def write(self, variable: tf.Variable, value: Any) -> Any:
        """Assign a value."""
        tensor = tf.cast(tf.convert_to_tensor(value), variable.dtype)
        return variable.assign(tf.broadcast_to(tensor, variable.shape), read_value=False)
