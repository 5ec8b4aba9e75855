"""The three optimizers of Keras, which TensorFlow's users have too."""

import math

import keras

from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError
from gradclip.experiments.experiment import ADAM_DECAYS, ADAM_EPSILON, MOMENTUM, Experiment


def build_optimizer(experiment: Experiment, backend: str) -> Array:
    """Return a Keras optimizer for the variables of a backend.

    Keras adds Adam's epsilon before the bias correction, the others after it: its epsilon counts
    1 / sqrt(1 - 0.999^steps) times there. Here it is such that the first step is the same; later
    it is smaller, 3e-10 in the end, which matters for gradients of about 1e-8 and below only.

    Args:
        experiment: What is trained.
        backend: What Keras must compute with.

    Returns:
        The optimizer, without any clipping.

    Raises:
        ConfigurationError: Keras computes with something else.

    Example:
        >>> optimizer = build_optimizer(Experiment(optimizer="adam"), keras.config.backend())
        >>> type(optimizer).__name__
        'Adam'
    """
    if keras.config.backend() != backend:
        msg = (
            f"The optimizers of {backend} are those of Keras, which computes with "
            f"{keras.config.backend()} here. Set KERAS_BACKEND={backend} before Python starts."
        )
        raise ConfigurationError(msg)
    match experiment.optimizer:
        case "sgd":
            return keras.optimizers.SGD(experiment.lr)
        case "momentum":
            return keras.optimizers.SGD(experiment.lr, momentum=MOMENTUM)
        case "adam":
            first, second = ADAM_DECAYS
            epsilon = ADAM_EPSILON * math.sqrt(1 - second)
            return keras.optimizers.Adam(experiment.lr, first, second, epsilon)
