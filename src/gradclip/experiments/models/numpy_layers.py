"""The pieces of the network in NumPy, each with its derivative by hand."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradclip.core.namespace import Array
from gradclip.experiments.experiment import LEAKY_SLOPE

# Klambauer et al., Self-Normalizing Neural Networks, 2017, arXiv:1706.02515
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805
# Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, arXiv:1606.08415, section 2
_GELU_FACTOR = math.sqrt(2 / math.pi)
_GELU_CUBE = 0.044715


class ActivationPair(NamedTuple):
    """An activation function and its derivative, both of what goes into it."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * z))  # no exp that could overflow


def _sigmoid_derivative(z: Array) -> Array:
    return _sigmoid(z) * (1 - _sigmoid(z))


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _elu_derivative(z: Array) -> Array:
    return np.where(z > 0, z.dtype.type(1), np.exp(np.minimum(z, 0)))


def _selu(z: Array) -> Array:
    return _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def _selu_derivative(z: Array) -> Array:
    below = _SELU_ALPHA * np.exp(np.minimum(z, 0))
    return _SELU_SCALE * np.where(z > 0, z.dtype.type(1), below)


def _gelu(z: Array) -> Array:
    return 0.5 * z * (1 + np.tanh(_GELU_FACTOR * (z + _GELU_CUBE * z * z * z)))


def _gelu_derivative(z: Array) -> Array:
    tanh = np.tanh(_GELU_FACTOR * (z + _GELU_CUBE * z * z * z))
    inner = _GELU_FACTOR * (1 + 3 * _GELU_CUBE * z * z)
    return 0.5 * (1 + tanh) + 0.5 * z * (1 - tanh * tanh) * inner


ACTIVATIONS = {
    "relu": ActivationPair(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "sigmoid": ActivationPair(_sigmoid, _sigmoid_derivative),
    "tanh": ActivationPair(np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "selu": ActivationPair(_selu, _selu_derivative),
    "elu": ActivationPair(_elu, _elu_derivative),
    "gelu": ActivationPair(_gelu, _gelu_derivative),
    "leaky-relu": ActivationPair(
        lambda z: np.where(z > 0, z, LEAKY_SLOPE * z),
        lambda z: np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAKY_SLOPE)),
    ),
    "identity": ActivationPair(lambda z: z, np.ones_like),
}


def mean_squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean over all entries of the squared difference, and its gradient.

    Example:
        >>> mean_squared_error(np.array([[1.0, 3.0]]), np.array([[1.0, 0.0]]))
        (4.5, array([[0., 3.]]))
    """
    difference = outputs - targets
    return float(np.mean(difference * difference)), difference * (2 / outputs.size)


def cross_entropy(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean over the batch of the softmax's cross-entropy, and its gradient.

    Example:
        >>> loss, gradient = cross_entropy(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
        >>> round(loss, 4), gradient
        (0.6931, array([[-0.5,  0.5]]))
    """
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -np.sum(targets * log_softmax) / len(outputs)
    return float(loss), (np.exp(log_softmax) - targets) / len(outputs)


LOSSES = {"mse": mean_squared_error, "cross-entropy": cross_entropy}
