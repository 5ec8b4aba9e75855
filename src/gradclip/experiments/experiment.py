"""What is trained and how: every choice of the reference experiment, checked."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gradclip.core.policies.fixed import GlobalNorm
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.resolve import parse_policy
from gradclip.errors import ConfigurationError

Framework = Literal["torch", "tensorflow", "jax", "keras", "numpy"]
Optimizer = Literal["sgd", "momentum", "adam"]
Activation = Literal["relu", "sigmoid", "tanh", "selu", "elu", "gelu", "leaky-relu", "identity"]
Init = Literal["truncated-normal", "glorot", "he", "lecun"]
Loss = Literal["mse", "cross-entropy"]
Clipper = Literal["gradclip", "native"]

MOMENTUM = 0.9
ADAM_DECAYS = (0.9, 0.999)
ADAM_EPSILON = 1e-8
LEAKY_SLOPE = 0.01  # torch's and JAX's; TensorFlow's own default is 0.2
_CHOICES = {
    "framework": get_args(Framework),
    "optimizer": get_args(Optimizer),
    "activation": get_args(Activation),
    "init": get_args(Init),
    "loss": get_args(Loss),
    "clipper": get_args(Clipper),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A network on MNIST: the defaults are the first post's program.

    The same experiment means the same arithmetic in every framework: the weights and the order of
    the images are drawn by NumPy from `seed`, the tanh form of GELU is used throughout, and a
    leaky ReLU has slope 0.01. Momentum is 0.9; Adam has decays 0.9 and 0.999 and epsilon 1e-8,
    which Keras (and so TensorFlow) adds before the bias correction and the others after it: that
    differs for gradients of about 1e-8 and below only.

    Attributes:
        framework: What computes.
        epochs: How many times every training image is seen.
        steps: How many batches instead, if given.
        batch_size: Images a batch; an epoch's last batch may be smaller.
        lr: The learning rate, >= 0.
        optimizer: `sgd`, `momentum` or `adam`.
        hidden: The hidden layers' widths.
        depth: If given, that many hidden layers, all as wide as the last of `hidden`.
        activation: What stands behind every layer but the last.
        init: The weights' distribution. `truncated-normal` has stddev 0.1, cut at two of them;
            `he` and `lecun` are truncated normals of variance 2 / inputs and 1 / inputs;
            `glorot` is uniform in +-sqrt(6 / (inputs + outputs)). Biases are zero.
        loss: `mse`, the mean over the entries of the squared difference to one-hot targets, or
            `cross-entropy` of the softmax, the mean over the batch.
        input_scale: What the gray levels 0 to 255 are divided by.
        clip: What clips, as `parse_policy` reads it; None or `none` for nothing.
        clipper: `gradclip`, or `native` for the framework's own global-norm clipping.
        seed: What weights and batches are drawn from, >= 0.

    Raises:
        ConfigurationError: A choice is unknown or a number out of its range.

    Example:
        >>> Experiment().widths
        (784, 256, 128, 10)
        >>> Experiment(depth=30).widths == (784, *[128] * 30, 10)
        True
        >>> Experiment(activation="swish")
        Traceback (most recent call last):
        ...
        gradclip.errors.ConfigurationError: `activation` must be one of relu, ..., got 'swish'.
    """

    framework: Framework = "torch"
    epochs: int = 1
    steps: int | None = None
    batch_size: int = 128
    lr: float = 0.01
    optimizer: Optimizer = "sgd"
    hidden: tuple[int, ...] = (256, 128)
    depth: int | None = None
    activation: Activation = "relu"
    init: Init = "truncated-normal"
    loss: Loss = "mse"
    input_scale: float = 50.0
    clip: str | None = "global-norm=15"
    clipper: Clipper = "gradclip"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                msg = f"`{name}` must be one of {', '.join(choices)}, got {getattr(self, name)!r}."
                raise ConfigurationError(msg)
        self._check_counts()
        self._check_numbers()
        self._check_native()

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of values between the layers, from the images to the classes."""
        hidden = self.hidden if self.depth is None else self.hidden[-1:] * self.depth
        return (784, *hidden, 10)

    @property
    def policy(self) -> Policy | None:
        """What clips; None for nothing."""
        return parse_policy(self.clip)

    @property
    def limit(self) -> float | None:
        """The threshold that the global norm is held to; None where there is none."""
        policy = self.policy
        return float(policy.max_norm) if isinstance(policy, GlobalNorm) else None  # type: ignore[arg-type]  # of a text

    def _check_counts(self) -> None:
        counts = {"epochs": self.epochs, "batch_size": self.batch_size}
        counts |= {f"hidden[{i}]": width for i, width in enumerate(self.hidden)}
        optional = {"steps": self.steps, "depth": self.depth}
        counts |= {name: value for name, value in optional.items() if value is not None}
        for name, count in counts.items():
            if count < 1:
                msg = f"`{name}` must be a whole number >= 1, got {count!r}."
                raise ConfigurationError(msg)
        if self.seed < 0:
            msg = f"`seed` must be a whole number >= 0, got {self.seed!r}."
            raise ConfigurationError(msg)
        if not self.hidden:
            msg = f"`hidden` must name at least one width, got {self.hidden!r}."
            raise ConfigurationError(msg)

    def _check_numbers(self) -> None:
        if not 0 <= self.lr < math.inf:
            msg = f"`lr` must be a finite number >= 0, got {self.lr!r}."
            raise ConfigurationError(msg)
        if not 0 < abs(self.input_scale) < math.inf:
            msg = f"`input_scale` must be a finite number other than 0, got {self.input_scale!r}."
            raise ConfigurationError(msg)

    def _check_native(self) -> None:
        policy = self.policy  # which checks the text
        if self.clipper == "gradclip":
            return
        if self.framework == "numpy":
            msg = "NumPy has no clipping of its own: `native` needs another framework."
            raise ConfigurationError(msg)
        if not isinstance(policy, GlobalNorm):
            msg = f"`native` clips by global-norm=THRESHOLD only, got {self.clip!r}."
            raise ConfigurationError(msg)
