"""The three optimizers in NumPy, by their textbook formulas."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from gradclip.core.namespace import Array
from gradclip.experiments.experiment import ADAM_DECAYS, ADAM_EPSILON, MOMENTUM, Optimizer

Arrays = Sequence[Array]


class Update(Protocol):
    """An optimizer with its state."""

    def apply(self, weights: Arrays, gradients: Arrays) -> None:
        """Change the weights in place."""


class GradientDescent:
    """Subtract the gradient times the learning rate."""

    def __init__(self, lr: float) -> None:
        self._lr = lr

    def apply(self, weights: Arrays, gradients: Arrays) -> None:
        """Change the weights in place."""
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= self._lr * gradient


class Momentum:
    """Subtract a decaying sum of gradients times the learning rate.

    References:
        Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964.
    """

    def __init__(self, lr: float, weights: Arrays) -> None:
        self._lr = lr
        self._sums = [np.zeros_like(weight) for weight in weights]

    def apply(self, weights: Arrays, gradients: Arrays) -> None:
        """Change the weights in place."""
        for weight, total, gradient in zip(weights, self._sums, gradients, strict=True):
            total *= MOMENTUM
            total += gradient
            weight -= self._lr * total


class Adam:
    """Divide a running mean of the gradient by the root of the running mean of its square.

    References:
        Kingma and Ba, *Adam: A Method for Stochastic Optimization*, 2015, arXiv:1412.6980,
        algorithm 1: epsilon is added after the bias correction.
    """

    def __init__(self, lr: float, weights: Arrays) -> None:
        self._lr = lr
        self._steps = 0
        self._means = [np.zeros_like(weight) for weight in weights]
        self._squares = [np.zeros_like(weight) for weight in weights]

    def apply(self, weights: Arrays, gradients: Arrays) -> None:
        """Change the weights in place."""
        self._steps += 1
        first, second = (1 - decay**self._steps for decay in ADAM_DECAYS)
        parts = zip(weights, self._means, self._squares, gradients, strict=True)
        for weight, mean, square, gradient in parts:
            mean += (1 - ADAM_DECAYS[0]) * (gradient - mean)
            square += (1 - ADAM_DECAYS[1]) * (gradient * gradient - square)
            weight -= self._lr * (mean / first) / (np.sqrt(square / second) + ADAM_EPSILON)


def build_update(optimizer: Optimizer, lr: float, weights: Arrays) -> Update:
    """Return an optimizer by its name.

    Example:
        >>> weights = [np.ones(2)]
        >>> build_update("sgd", 0.5, weights).apply(weights, [np.array([1.0, 2.0])])
        >>> weights
        [array([0.5, 0. ])]
    """
    match optimizer:
        case "sgd":
            return GradientDescent(lr)
        case "momentum":
            return Momentum(lr, weights)
        case "adam":
            return Adam(lr, weights)
