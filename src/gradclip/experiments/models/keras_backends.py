"""What Keras 3 leaves to its backends: gradients, compilation, and where a tensor lies."""

import importlib
from collections.abc import Callable

import keras

from gradclip.core.namespace import Array

Loss = Callable[[list[Array], Array, Array], tuple[Array, Array]]
_ACCELERATORS = ("gpu", "cuda", "mps", "tpu")


def value_and_gradients(
    loss: Loss, weights: list[Array], images: Array, labels: Array
) -> tuple[Array, Array, list[Array]]:
    """Compute a loss and its gradients on the current backend.

    Args:
        loss: Returns the loss and something beside it, of the other three arguments.
        weights: The variables' values.
        images: A tensor.
        labels: A tensor.

    Returns:
        The loss, what is beside it, and the gradient of each weight.

    Example:
        >>> from keras import ops
        >>> weights = [keras.Variable([2.0]).value]
        >>> def square(weights, images, labels):
        ...     return ops.sum((weights[0] * images - labels) ** 2), images
        >>> _, _, (gradient,) = value_and_gradients(square, weights, ops.ones(1), ops.zeros(1))
        >>> ops.convert_to_numpy(gradient)
        array([4.], dtype=float32)
    """
    backend = keras.config.backend()
    framework = importlib.import_module(backend)
    match backend:
        case "tensorflow":
            with framework.GradientTape() as tape:
                value, beside = loss(weights, images, labels)
            return value, beside, tape.gradient(value, weights)
        case "jax":
            compute = framework.value_and_grad(loss, has_aux=True)
            (value, beside), gradients = compute(weights, images, labels)
            return value, beside, gradients
        case _:
            value, beside = loss(weights, images, labels)
            gradients = framework.autograd.grad(value, weights)
            return value.detach(), beside.detach(), list(gradients)


def compiled(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function of tensors as the current backend compiles it; PyTorch's stays eager.

    Example:
        >>> float(compiled(keras.ops.sum)(keras.ops.ones(3)))
        3.0
    """
    backend = keras.config.backend()
    framework = importlib.import_module(backend)
    match backend:
        case "tensorflow":
            graph: Callable[..., Array] = framework.function(
                function, autograph=False, reduce_retracing=True
            )
            return graph
        case "jax":
            jitted: Callable[..., Array] = framework.jit(function)
            return jitted
        case _:
            return function


def device_of(tensor: Array) -> str:
    """Return the kind of device that a tensor lies on.

    Example:
        >>> device_of(keras.ops.ones(1))
        'cpu'
    """
    name = str(tensor.device).lower()
    return next((kind for kind in _ACCELERATORS if kind in name), "cpu")
