"""Gradients in Keras 3, which leaves them to its backends."""

import importlib
from collections.abc import Callable, Sequence

import keras

from gradclip.core.namespace import Array

Loss = Callable[[Sequence[Array], Array], tuple[Array, Array]]


def value_and_gradients(
    loss: Loss, variables: Sequence[Array], images: Array
) -> tuple[Array, Array, list[Array]]:
    """Compute a loss and its gradients on the current backend.

    Args:
        loss: Returns the loss and the outputs of (the weights' tensors, the images).
        variables: The weights, Keras variables.
        images: A tensor.

    Returns:
        The loss, the outputs, and the gradient of each variable.

    Example:
        >>> variable = keras.Variable([2.0])
        >>> def square(weights, images):
        ...     return keras.ops.sum(weights[0] ** 2 * images), images
        >>> _, _, (gradient,) = value_and_gradients(square, [variable], keras.ops.ones(1))
        >>> keras.ops.convert_to_numpy(gradient)
        array([4.], dtype=float32)
    """
    backend = keras.config.backend()
    weights = [variable.value for variable in variables]
    framework = importlib.import_module(backend)
    match backend:
        case "tensorflow":
            with framework.GradientTape() as tape:
                result, outputs = loss(weights, images)
            return result, outputs, tape.gradient(result, weights)
        case "jax":
            compute = framework.value_and_grad(loss, has_aux=True)
            (result, outputs), gradients = compute(weights, images)
            return result, outputs, gradients
        case _:
            result, outputs = loss(weights, images)
            gradients = framework.autograd.grad(result, weights)
            return result.detach(), outputs.detach(), list(gradients)
