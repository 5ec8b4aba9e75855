"""The network in PyTorch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gradclip.experiments.clipping import Clipped, Clipping
from gradclip.experiments.experiment import (
    ADAM_DECAYS,
    ADAM_EPSILON,
    LEAKY_SLOPE,
    MOMENTUM,
    Experiment,
)
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.torch.namespace import TorchNamespace

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "selu": nn.SELU,
    "elu": nn.ELU,
    "gelu": lambda: nn.GELU(approximate="tanh"),
    "leaky-relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "identity": nn.Identity,
}


class Network:
    """A network as `gradclip.experiments.model.Model` asks for it."""

    version = torch.__version__
    device = "cpu"

    def __init__(self, experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> None:
        self._experiment = experiment
        self._layers = _build_layers(experiment, weights)
        self._parameters = list(self._layers.parameters())
        self._optimizer = _build_optimizer(experiment, self._parameters)
        self._clipping = Clipping(experiment, TorchNamespace(), native=self._clip_natively)
        self._state = self._clipping.init(list(self._parameters))

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        with _one_thread():
            return self._step(images, labels)

    def _step(self, images: Images, labels: Labels) -> StepMeasure:
        targets = torch.from_numpy(labels.astype(np.int64))
        outputs = self._layers(torch.from_numpy(images))
        loss = self._loss(outputs, targets)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        accuracy = (outputs.argmax(dim=1) == targets).float().mean()
        clipped = self._clipped()
        head = [loss.item(), accuracy.item(), clipped.limit, clipped.skipped]
        norms = torch.cat([clipped.norms_before, clipped.norms_after]).tolist()
        measure = StepMeasure.from_values([*head, *norms])
        if not measure.skipped:
            for parameter, gradient in zip(self._parameters, clipped.gradients, strict=True):
                parameter.grad = gradient
            self._optimizer.step()
        return measure

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        with torch.no_grad():
            classes = self._layers(torch.from_numpy(images)).argmax(dim=1).numpy()
        return float(np.mean(classes == labels))

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
        return [p.detach().numpy().T.copy() for p in self._parameters]

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self._experiment.loss == "cross-entropy":
            return functional.cross_entropy(outputs, targets)
        one_hot = functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
        return functional.mse_loss(outputs, one_hot)

    @torch.no_grad()
    def _clipped(self) -> Clipped:
        """Return what clipping makes of the parameters' gradients."""
        gradients = [p.grad for p in self._parameters]
        clipped = self._clipping(gradients, list(self._parameters), self._state)
        self._state = clipped.state
        return clipped

    def _clip_natively(self, gradients: list[Tensor | None]) -> list[Tensor | None]:
        """Clip the parameters' gradients, which these are, in place."""
        assert self._experiment.limit is not None  # the experiment has checked it
        torch.nn.utils.clip_grad_norm_(self._parameters, self._experiment.limit)
        return gradients


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one core.

    The tensors are so small that a second thread brings nothing, and where the cores have other
    work it makes each operation wait for it: 8 steps a second instead of 160 on two busy cores.
    """
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


def _build_layers(experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> nn.Sequential:
    """Return the layers, filled with the weights, which PyTorch keeps as (outputs, inputs)."""
    layers: list[nn.Module] = []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        inputs, outputs = weight.shape
        linear = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")  # nothing drawn
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, _ACTIVATIONS[experiment.activation]()]
    return nn.Sequential(*layers[:-1])


def _build_optimizer(
    experiment: Experiment, parameters: list[nn.Parameter]
) -> torch.optim.Optimizer:
    match experiment.optimizer:
        case "sgd":
            return torch.optim.SGD(parameters, lr=experiment.lr)
        case "momentum":
            return torch.optim.SGD(parameters, lr=experiment.lr, momentum=MOMENTUM)
        case "adam":
            return torch.optim.Adam(
                parameters, lr=experiment.lr, betas=ADAM_DECAYS, eps=ADAM_EPSILON
            )
