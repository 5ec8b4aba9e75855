"""The network in Keras 3, on whichever backend Keras computes with."""

from collections.abc import Sequence
from functools import partial

import keras
import numpy as np
from keras import ops
from keras.src.optimizers.base_optimizer import clip_by_global_norm  # Keras exports it nowhere
from numpy.typing import NDArray

from gradclip.core.namespace import Array
from gradclip.experiments.experiment import LEAKY_SLOPE, Experiment
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.experiments.models.keras_gradients import value_and_gradients
from gradclip.experiments.models.keras_optimizers import build_optimizer
from gradclip.keras.functional import functions

_ACTIVATIONS = {
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "selu": ops.selu,
    "elu": ops.elu,
    "gelu": partial(ops.gelu, approximate=True),
    "leaky-relu": partial(ops.leaky_relu, negative_slope=LEAKY_SLOPE),
    "identity": lambda z: z,
}


class Network:
    """A network as `gradclip.experiments.model.Model` asks for it."""

    version = f"{keras.__version__} on {keras.config.backend()}"

    def __init__(self, experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> None:
        self.device = str(keras.distribution.list_devices()[0]).partition(":")[0]
        self._experiment = experiment
        self._variables = [keras.Variable(weight) for weight in weights]
        self._optimizer = build_optimizer(experiment, keras.config.backend())
        self._optimizer.build(self._variables)

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        loss, outputs, gradients = value_and_gradients(
            partial(self._loss, labels=labels), self._variables, ops.convert_to_tensor(images)
        )
        right = ops.convert_to_numpy(outputs).argmax(axis=1) == labels
        clipped = self._clip(gradients)
        norms = [functions.global_norm([g]) for g in (*gradients, *clipped)]
        numbers = ops.convert_to_numpy(ops.stack([loss, *norms])).tolist()
        values = [numbers[0], float(np.mean(right)), *numbers[1:]]
        measure = StepMeasure.from_values(values, self._experiment)
        if not measure.skipped:
            self._optimizer.apply(clipped, self._variables)
        return measure

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        values = [variable.value for variable in self._variables]
        outputs = ops.convert_to_numpy(self._outputs(values, ops.convert_to_tensor(images)))
        return float(np.mean(outputs.argmax(axis=1) == labels))

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
        return [np.array(ops.convert_to_numpy(variable)) for variable in self._variables]

    def _outputs(self, weights: Sequence[Array], images: Array) -> Array:
        """Return the last layer's sums."""
        activation = _ACTIVATIONS[self._experiment.activation]
        *inner, (last_weight, last_bias) = zip(weights[::2], weights[1::2], strict=True)
        values = images
        for weight, bias in inner:
            values = activation(ops.matmul(values, weight) + bias)
        return ops.matmul(values, last_weight) + last_bias

    def _loss(
        self, weights: Sequence[Array], images: Array, *, labels: Labels
    ) -> tuple[Array, Array]:
        """Return the loss and, beside it, the outputs."""
        outputs = self._outputs(weights, images)
        one_hot = ops.one_hot(labels.astype(np.int32), outputs.shape[1])
        if self._experiment.loss == "cross-entropy":
            losses = ops.categorical_crossentropy(one_hot, outputs, from_logits=True)
            return ops.mean(losses), outputs
        return ops.mean(ops.square(outputs - one_hot)), outputs

    def _clip(self, gradients: list[Array]) -> list[Array]:
        clipping = self._experiment.clipping
        if self._experiment.clipper == "native":
            clipped: list[Array] = clip_by_global_norm(gradients, self._experiment.limit)
            return clipped
        if clipping is None:
            return gradients
        return clipping(functions, gradients, self._variables)
