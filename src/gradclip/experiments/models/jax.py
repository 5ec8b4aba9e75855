"""The network in JAX, its gradients and its updates compiled."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from gradclip.core.namespace import Array
from gradclip.core.policies.run import Gradients, PolicyState
from gradclip.experiments.clipping import Clipping
from gradclip.experiments.experiment import (
    ADAM_DECAYS,
    ADAM_EPSILON,
    LEAKY_SLOPE,
    MOMENTUM,
    Experiment,
)
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.jax.namespace import JaxNamespace

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "selu": jax.nn.selu,
    "elu": jax.nn.elu,
    "gelu": partial(jax.nn.gelu, approximate=True),
    "leaky-relu": partial(jax.nn.leaky_relu, negative_slope=LEAKY_SLOPE),
    "identity": lambda z: z,
}
Weights = list[Array]


class Network:
    """A network as `gradclip.experiments.model.Model` asks for it."""

    version = jax.__version__

    def __init__(self, experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> None:
        self.device = jax.devices()[0].platform
        self._weights = [jnp.asarray(weight) for weight in weights]
        self._optimizer = _build_optimizer(experiment)
        self._state = self._optimizer.init(self._weights)
        native = partial(_clip_natively, experiment.limit)
        self._clipping = Clipping(experiment, JaxNamespace(), native=native)
        self._clipping_state = self._clipping.init(self._weights)
        self._measure = jax.jit(partial(_measure, experiment, self._clipping))
        self._apply = jax.jit(partial(_apply, self._optimizer))
        self._outputs = jax.jit(partial(_outputs, experiment))

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""
        values, gradients, self._clipping_state = self._measure(
            self._weights, self._clipping_state, images, labels
        )
        measure = StepMeasure.from_values(np.asarray(values).tolist())
        if not measure.skipped:
            self._weights, self._state = self._apply(self._weights, self._state, gradients)
        return measure

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""
        outputs = np.asarray(self._outputs(self._weights, images))
        return float(np.mean(outputs.argmax(axis=1) == labels))

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
        return [np.array(weight) for weight in self._weights]


def _outputs(experiment: Experiment, weights: Weights, images: Array) -> Array:
    """Return the last layer's sums."""
    activation = _ACTIVATIONS[experiment.activation]
    *inner, (last_weight, last_bias) = zip(weights[::2], weights[1::2], strict=True)
    values = images
    for weight, bias in inner:
        values = activation(values @ weight + bias)
    return values @ last_weight + last_bias


def _loss(
    weights: Weights, experiment: Experiment, images: Array, labels: Array
) -> tuple[Array, Array]:
    """Return the loss and, beside it, the accuracy."""
    outputs = _outputs(experiment, weights, images)
    accuracy = jnp.mean(outputs.argmax(axis=1) == labels, dtype=jnp.float32)
    one_hot = jax.nn.one_hot(labels, outputs.shape[1])
    if experiment.loss == "cross-entropy":
        return optax.softmax_cross_entropy(outputs, one_hot).mean(), accuracy
    return jnp.mean(jnp.square(outputs - one_hot)), accuracy


def _measure(
    experiment: Experiment,
    clipping: Clipping,
    weights: Weights,
    state: PolicyState,
    images: Array,
    labels: Array,
) -> tuple[Array, Gradients, PolicyState]:
    """Return the values of a `StepMeasure`, the clipped gradients, and the policy's state."""
    compute = jax.value_and_grad(_loss, has_aux=True)
    (loss, accuracy), gradients = compute(weights, experiment, images, labels)
    clipped = clipping(gradients, weights, state)
    head = jnp.stack([jnp.float32(x) for x in (loss, accuracy, clipped.limit, clipped.skipped)])
    values = jnp.concatenate([head, clipped.norms_before, clipped.norms_after])
    return values, clipped.gradients, clipped.state


def _clip_natively(limit: float | None, gradients: Gradients) -> Gradients:
    assert limit is not None  # the experiment has checked it
    native = optax.clip_by_global_norm(limit)
    clipped: Gradients = native.update(gradients, native.init(gradients))[0]
    return clipped


def _apply(
    optimizer: optax.GradientTransformation,
    weights: Weights,
    state: optax.OptState,
    gradients: Weights,
) -> tuple[Weights, optax.OptState]:
    """Return the weights and the optimizer's state after the step."""
    updates, state = optimizer.update(gradients, state, weights)
    return optax.apply_updates(weights, updates), state


def _build_optimizer(experiment: Experiment) -> optax.GradientTransformation:
    match experiment.optimizer:
        case "sgd":
            return optax.sgd(experiment.lr)
        case "momentum":
            return optax.sgd(experiment.lr, momentum=MOMENTUM)
        case "adam":
            first, second = ADAM_DECAYS
            return optax.adam(experiment.lr, b1=first, b2=second, eps=ADAM_EPSILON)
