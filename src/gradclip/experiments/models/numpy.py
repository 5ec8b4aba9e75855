"""The network in NumPy with a backward pass by hand: the reference that needs no framework."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradclip.core.namespace import Array
from gradclip.experiments.clipping import Clipping
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.experiments.models.numpy_layers import ACTIVATIONS, LOSSES
from gradclip.experiments.models.numpy_optimizers import build_update
from gradclip.numpy.namespace import NumpyNamespace


class Network:
    """A network as `gradclip.experiments.model.Model` asks for it; it keeps the weights' type."""

    version = np.__version__
    device = "cpu"

    def __init__(self, experiment: Experiment, weights: Sequence[Array]) -> None:
        self._weights = [weight.copy() for weight in weights]
        self._clipping = Clipping(experiment, NumpyNamespace(), native=list)  # it has none
        self._state = self._clipping.init(self._weights)
        self._activation = ACTIVATIONS[experiment.activation]
        self._loss = LOSSES[experiment.loss]
        self._update = build_update(experiment.optimizer, experiment.lr, self._weights)

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        with np.errstate(all="ignore"):  # overflow is one of the things to be seen here
            loss, accuracy, gradients = self.gradients(images, labels)
            clipped = self._clipping(gradients, self._weights, self._state)
            self._state = clipped.state
            norms = (*clipped.norms_before, *clipped.norms_after)
            values = [loss, accuracy, clipped.limit, clipped.skipped, *norms]
            measure = StepMeasure.from_values(values)
            if not measure.skipped:
                self._update.apply(self._weights, clipped.gradients)
        return measure

    def gradients(self, images: Array, labels: Labels) -> tuple[float, float, list[Array]]:
        """Return the loss, the accuracy and the gradient of every weight."""
        inputs, sums = self._forward(images)
        targets = np.eye(sums[-1].shape[1], dtype=images.dtype)[labels]
        loss, delta = self._loss(sums[-1], targets)
        accuracy = float(np.mean(sums[-1].argmax(axis=1) == labels))
        gradients: list[Array] = []
        for layer in reversed(range(len(sums))):
            gradients[:0] = [inputs[layer].T @ delta, delta.sum(axis=0)]
            if layer > 0:
                back = delta @ self._weights[2 * layer].T
                delta = back * self._activation.derivative(sums[layer - 1])
        return loss, accuracy, gradients

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        with np.errstate(all="ignore"):
            return float(np.mean(self._forward(images)[1][-1].argmax(axis=1) == labels))

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
        return [weight.copy() for weight in self._weights]

    def _forward(self, images: Array) -> tuple[list[Array], list[Array]]:
        """Return what goes into each layer, and the sums that come out of it."""
        inputs, sums = [images], []
        for weight, bias in zip(self._weights[::2], self._weights[1::2], strict=True):
            sums.append(inputs[-1] @ weight + bias)
            inputs.append(self._activation.value(sums[-1]))
        return inputs[:-1], sums
