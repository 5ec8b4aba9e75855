"""The network in TensorFlow, its gradients and its updates in graphs."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from gradclip.core.namespace import Array
from gradclip.core.policies.run import Gradients, PolicyState
from gradclip.experiments.clipping import Clipping
from gradclip.experiments.experiment import LEAKY_SLOPE, Experiment
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.experiments.models.keras_optimizers import build_optimizer
from gradclip.tensorflow.namespace import TensorFlowNamespace

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": tf.nn.relu,
    "sigmoid": tf.nn.sigmoid,
    "tanh": tf.nn.tanh,
    "selu": tf.nn.selu,
    "elu": tf.nn.elu,
    "gelu": partial(tf.nn.gelu, approximate=True),
    "leaky-relu": partial(tf.nn.leaky_relu, alpha=LEAKY_SLOPE),
    "identity": tf.identity,
}


class Network:
    """A network as `gradclip.experiments.model.Model` asks for it."""

    version: str = tf.__version__

    def __init__(self, experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> None:
        self.device = "gpu" if tf.config.list_logical_devices("GPU") else "cpu"
        self._experiment = experiment
        self._variables = [tf.Variable(weight) for weight in weights]
        self._optimizer = build_optimizer(experiment, "tensorflow")
        self._optimizer.build(self._variables)
        self._clipping = Clipping(experiment, TensorFlowNamespace(), native=self._clip_natively)
        self._state = self._clipping.init(self._variables)
        self._measure = tf.function(self._measure_eagerly, autograph=False, reduce_retracing=True)
        self._apply = tf.function(self._apply_eagerly, autograph=False)

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        inputs = tf.constant(images), tf.constant(labels)
        values, gradients, self._state = self._measure(self._state, *inputs)
        measure = StepMeasure.from_values(values.numpy().tolist())
        if not measure.skipped:
            self._apply(gradients)
        return measure

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        outputs = self._outputs(tf.constant(images)).numpy()
        return float(np.mean(outputs.argmax(axis=1) == labels))

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
        return [variable.numpy() for variable in self._variables]

    def _outputs(self, images: Array) -> Array:
        """Return the last layer's sums."""
        activation = _ACTIVATIONS[self._experiment.activation]
        layers = zip(self._variables[::2], self._variables[1::2], strict=True)
        *inner, (last_weight, last_bias) = layers
        values = images
        for weight, bias in inner:
            values = activation(values @ weight + bias)
        return values @ last_weight + last_bias

    def _loss(self, outputs: Array, labels: Array) -> Array:
        one_hot = tf.one_hot(labels, outputs.shape[1])
        if self._experiment.loss == "cross-entropy":
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(one_hot, outputs))
        return tf.reduce_mean(tf.square(outputs - one_hot))

    def _measure_eagerly(
        self, state: PolicyState, images: Array, labels: Array
    ) -> tuple[Array, Gradients, PolicyState]:
        """Return the values of a `StepMeasure`, the clipped gradients, and the policy's state."""
        with tf.GradientTape() as tape:
            outputs = self._outputs(images)
            loss = self._loss(outputs, labels)
        gradients = tape.gradient(loss, self._variables)
        classes = tf.argmax(outputs, axis=1, output_type=tf.int32)
        right = tf.equal(classes, tf.cast(labels, tf.int32))
        clipped = self._clipping(gradients, self._variables, state)
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
        head = [loss, accuracy, clipped.limit, tf.cast(clipped.skipped, tf.float32)]
        values = tf.concat([tf.stack(head), clipped.norms_before, clipped.norms_after], 0)
        return values, clipped.gradients, clipped.state

    def _clip_natively(self, gradients: Gradients) -> Gradients:
        clipped: Gradients = tf.clip_by_global_norm(gradients, self._experiment.limit)[0]
        return clipped

    def _apply_eagerly(self, gradients: list[Array]) -> None:
        self._optimizer.apply(gradients)
