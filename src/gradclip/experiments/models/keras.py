"""The network in Keras 3, on whichever backend Keras computes with."""

from collections.abc import Sequence
from functools import partial

import keras
import numpy as np
from keras import ops
from keras.src.optimizers.base_optimizer import clip_by_global_norm  # Keras exports it nowhere
from numpy.typing import NDArray

from gradclip.core.namespace import Array
from gradclip.core.policies.run import Gradients, PolicyState
from gradclip.experiments.clipping import Clipping
from gradclip.experiments.experiment import LEAKY_SLOPE, Experiment
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.experiments.models.keras_backends import compiled, device_of, value_and_gradients
from gradclip.experiments.models.keras_optimizers import build_optimizer
from gradclip.keras.namespace import keras_namespace

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
        self._experiment = experiment
        self._variables = [keras.Variable(weight) for weight in weights]
        self.device = device_of(self._variables[0].value)
        self._optimizer = build_optimizer(experiment, keras.config.backend())
        self._optimizer.build(self._variables)
        verbs = keras_namespace(keras.config.backend())
        self._clipping = Clipping(experiment, verbs, native=self._clip_natively)
        self._state = self._clipping.init([variable.value for variable in self._variables])
        self._measure = compiled(self._measure_eagerly)

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        weights = [variable.value for variable in self._variables]
        inputs = ops.convert_to_tensor(images), ops.convert_to_tensor(labels.astype(np.int32))
        values, clipped, self._state = self._measure(weights, self._state, *inputs)
        measure = StepMeasure.from_values(ops.convert_to_numpy(values).tolist())
        if not measure.skipped:
            self._optimizer.apply(clipped, self._variables)
        return measure

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        weights = [variable.value for variable in self._variables]
        outputs = ops.convert_to_numpy(self._outputs(weights, ops.convert_to_tensor(images)))
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

    def _loss(self, weights: Sequence[Array], images: Array, labels: Array) -> tuple[Array, Array]:
        """Return the loss and, beside it, the accuracy."""
        outputs = self._outputs(weights, images)
        right = ops.equal(ops.cast(ops.argmax(outputs, axis=1), "int32"), labels)
        accuracy = ops.mean(ops.cast(right, "float32"))
        one_hot = ops.one_hot(labels, outputs.shape[1])
        if self._experiment.loss == "cross-entropy":
            losses = ops.categorical_crossentropy(one_hot, outputs, from_logits=True)
            return ops.mean(losses), accuracy
        return ops.mean(ops.square(outputs - one_hot)), accuracy

    def _measure_eagerly(
        self, weights: list[Array], state: PolicyState, images: Array, labels: Array
    ) -> tuple[Array, Gradients, PolicyState]:
        """Return the values of a `StepMeasure`, the clipped gradients, and the policy's state."""
        loss, accuracy, gradients = value_and_gradients(self._loss, weights, images, labels)
        clipped = self._clipping(gradients, weights, state)
        numbers = (loss, accuracy, clipped.limit, clipped.skipped)
        head = ops.stack([ops.cast(x, "float32") for x in numbers])
        values = ops.concatenate([head, clipped.norms_before, clipped.norms_after])
        return values, clipped.gradients, clipped.state

    def _clip_natively(self, gradients: Gradients) -> Gradients:
        clipped: Gradients = clip_by_global_norm(gradients, self._experiment.limit)
        return clipped
