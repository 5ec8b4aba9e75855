"""Keras variables that hold what a policy remembers."""

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gradclip.errors import ConfigurationError


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
        """Return the value, as it is now: some backends write into the tensor that there is.

        Raises:
            ConfigurationError: JAX has taken the variables away, to give them back later.
        """
        try:
            value = _tensor(variable.value)
        except TypeError as error:  # what Keras says of a variable that holds nothing
            msg = (
                "While `fit` runs on JAX, the variables must be brought back before they are read: "
                "call model.jax_state_sync() first."
            )
            raise ConfigurationError(msg) from error
        if like is None:
            return _snapshot(value)
        if isinstance(like, float):
            return float(value)
        return value.tolist() if isinstance(like, list) else value

    def write(self, variable: Any, value: Any) -> None:
        """Assign a value."""
        tensor = keras.ops.convert_to_tensor(value, variable.dtype)
        variable.assign(keras.ops.broadcast_to(tensor, variable.shape))


def _snapshot(value: Any) -> Any:
    """Return what later steps do not change."""
    match keras.backend.backend():
        case "torch":
            return value.detach().clone()
        case "numpy":
            return np.array(value)
        case _:
            return value


def _tensor(value: Any) -> Any:
    """Return a backend's tensor: TensorFlow's variables may have one on each device."""
    if keras.backend.backend() != "tensorflow":
        return value
    return importlib.import_module("tensorflow").convert_to_tensor(value)
