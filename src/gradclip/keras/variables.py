"""Keras variables that hold what a policy remembers."""

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class KerasVariables:
    """Keras' side of `gradclip.core.policies.memory.Variables`.

    Args:
        add: Makes a variable: an optimizer's `add_variable`.
    """

    def __init__(self, add: Callable[..., Any]) -> None:
        self._add = add

    def make(self, name: str, value: Any) -> Any:
        """Return a variable that is no parameter."""
        host = isinstance(value, float | list)
        array = np.asarray(value if host else keras.ops.convert_to_numpy(value))
        dtype = "float64" if array.dtype == np.float64 and not host else "float32"
        if array.dtype == np.int64:  # a count; JAX has no wider integers unless it is told to
            dtype = "int32" if keras.backend.backend() == "jax" else "int64"
        return self._add(
            shape=array.shape,
            initializer=lambda shape, dtype=None: keras.ops.reshape(
                keras.ops.convert_to_tensor(array, dtype), shape
            ),
            dtype=dtype,
            name=name,
            aggregation="only_first_replica",
        )

    def read(self, variable: Any, like: Any) -> Any:
        """Return the value."""
        value = _tensor(variable.value)
        if isinstance(like, float):
            return float(value)
        return value.tolist() if isinstance(like, list) else value

    def write(self, variable: Any, value: Any) -> None:
        """Assign a value."""
        tensor = keras.ops.convert_to_tensor(value, variable.dtype)
        variable.assign(keras.ops.broadcast_to(tensor, variable.shape))


def _tensor(value: Any) -> Any:
    """Return a backend's tensor: TensorFlow's variables may have one on each device."""
    if keras.backend.backend() != "tensorflow":
        return value
    return importlib.import_module("tensorflow").convert_to_tensor(value)
