"""A network of two layers and its training, in NumPy: what the steps of a Keras script come to."""

import numpy as np


class Network:
    """The network `x -> relu(x K + b) L + c`, from Keras' weights."""

    def __init__(self, weights):
        self.weights = [np.array(w, dtype=np.float64) for w in weights]

    def gradients(self, x, y):
        """Return the mean squared error and its gradients."""
        kernel, bias, last, offset = self.weights
        inner = x @ kernel + bias
        hidden = np.maximum(inner, 0)
        error = hidden @ last + offset - y
        outer = 2 * error / error.size
        back = (outer @ last.T) * (inner > 0)
        return (error**2).mean(), [x.T @ back, back.sum(0), hidden.T @ outer, outer.sum(0)]

    def step(self, gradients, rate):
        """Take a step of gradient descent."""
        self.weights = [w - rate * g for w, g in zip(self.weights, gradients, strict=True)]


def norm(gradients):
    """Return the norm of all gradients."""
    return float(np.sqrt(sum((np.asarray(g, np.float64) ** 2).sum() for g in gradients)))


def clipped(gradients, limit):
    """Return gradients whose norm is at most a limit."""
    scale = min(1.0, limit / norm(gradients)) if limit else 1.0
    return [scale * g for g in gradients]


def show(weights, batches, *, rate, limit=None, accumulate=1):
    """Print each step of training on batches, and return the weights that it ends with."""
    network, losses, total = Network(weights), [], None
    for x, y in batches:
        loss, gradients = network.gradients(x, y)
        losses.append(loss)
        total = (
            gradients if total is None else [a + b for a, b in zip(total, gradients, strict=True)]
        )
        if len(losses) < accumulate:
            continue
        mean = [g / accumulate for g in total]
        after = clipped(mean, limit)
        print("step", np.mean(losses), norm(mean), norm(after))
        network.step(after, rate)
        losses, total = [], None
    return network.weights
