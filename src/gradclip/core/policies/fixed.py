"""Methods with a limit that is given, by the names of the field."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.checks import check_limit
from gradclip.core.policies.clip import Clip
from gradclip.core.policies.granularity import Units
from gradclip.core.policies.limits import Constant, Ratio
from gradclip.core.policies.limits.constant import Threshold, threshold_at
from gradclip.core.policies.method import Method
from gradclip.core.policies.policy import Policy, Verdict


@dataclass(frozen=True, slots=True)
class Value(Method):
    """Limit each entry to [-max_value, max_value].

    Attributes:
        max_value: The largest modulus, >= 0: a number or scalar tensor, a `Schedule`, or a
            function of the step. 0 gives zeros, inf measures only.

    Raises:
        ConfigurationError: `max_value` is negative or NaN.

    Example:
        >>> import numpy as np, gradclip
        >>> gradclip.numpy.Clipper(Value(1.0))([np.array([-3.0, 0.5])])
        [array([-1. ,  0.5])]

    References:
        Mikolov, *Statistical Language Models Based on Neural Networks*, 2012;
        `tf.clip_by_value`, `torch.nn.utils.clip_grad_value_`, `optax.clip`.
    """

    max_value: Threshold
    name: ClassVar[str] = "value"

    def policy(self) -> Policy:
        """Return what carries it out."""
        return Entries(self.max_value)


@dataclass(frozen=True, slots=True)
class Entries:
    """Clamp entries without measuring each: its modulus is its norm."""

    max_value: Threshold

    def __post_init__(self) -> None:
        check_limit("max_value", self.max_value)

    def init(self, batch: Batch) -> State:
        """Return nothing: there is no state."""
        del batch
        return ()

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Clamp all entries."""
        xp = batch.xp.arithmetic(batch.kinds)
        limit = threshold_at(self.max_value, step, xp)
        limit = limit if batch.xp.truth(limit >= 0) else xp.where(limit >= 0, limit, float("nan"))
        settled = batch.settled()
        clamped = [None if t is None else batch.xp.clamp(t, -limit, limit) for t in settled.tensors]
        return settled.with_tensors(clamped), Verdict(limit, False), state  # noqa: FBT003


@dataclass(frozen=True, slots=True)
class Norm(Method):
    """Scale each gradient down to a norm of `max_norm`.

    Attributes:
        max_norm: The largest norm, as `Value.max_value`.
        axes: The axes that one norm extends over; each slice along the others is then clipped by
            itself. None for the norm of the whole tensor.
        norm_type: The p of the p-norm, > 0; inf for the largest modulus.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN, or `norm_type` not > 0.

    Example:
        >>> import numpy as np, gradclip
        >>> gradclip.numpy.Clipper(Norm(1.0))([np.array([3.0, 4.0]), np.array([0.5])])
        [array([0.6, 0.8]), array([0.5])]

    References:
        `tf.clip_by_norm`.
    """

    max_norm: Threshold
    axes: int | tuple[int, ...] | None = None
    norm_type: float = 2.0
    name: ClassVar[str] = "norm"

    def policy(self) -> Policy:
        """Return what carries it out."""
        parts: Any = "tensor" if self.axes is None else Units(self.axes)
        limit = Constant(self.max_norm, "max_norm")
        return Clip(limit=limit, granularity=parts, norm=self.norm_type)


@dataclass(frozen=True, slots=True)
class AverageNorm(Method):
    """Scale each gradient down to a norm per entry of `max_norm`.

    Attributes:
        max_norm: The largest 2-norm divided by the number of entries, as `Value.max_value`.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN.

    Example:
        >>> import numpy as np, gradclip
        >>> gradclip.numpy.Clipper(AverageNorm(0.5))([np.array([3.0, 4.0])])
        [array([0.6, 0.8])]

    References:
        `tf.compat.v1.clip_by_average_norm`.
    """

    max_norm: Threshold
    name: ClassVar[str] = "average-norm"

    def policy(self) -> Policy:
        """Return what carries it out."""
        limit = Constant(self.max_norm, "max_norm")
        return Clip(limit=limit, granularity="tensor", norm="average")


@dataclass(frozen=True, slots=True)
class BlockRMS(Method):
    """Scale each gradient down to a root mean square of `max_norm`.

    Attributes:
        max_norm: The largest root mean square, as `Value.max_value`.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN.

    Example:
        >>> import numpy as np, gradclip
        >>> gradclip.numpy.Clipper(BlockRMS(1.0))([np.array([3.0, -3.0])])
        [array([ 1., -1.])]

    References:
        Shazeer and Stern, *Adafactor*, 2018, arXiv:1804.04235, section 6;
        `optax.clip_by_block_rms`.
    """

    max_norm: Threshold
    name: ClassVar[str] = "block-rms"

    def policy(self) -> Policy:
        """Return what carries it out."""
        limit = Constant(self.max_norm, "max_norm")
        return Clip(limit=limit, granularity="tensor", norm="rms")


@dataclass(frozen=True, slots=True)
class GlobalNorm(Method):
    """Scale all gradients down to a common norm of `max_norm`.

    Attributes:
        max_norm: The largest norm, as `Value.max_value`.
        norm_type: The p of the p-norm, > 0; inf for the largest modulus.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN, or `norm_type` not > 0.

    Example:
        >>> import numpy as np, gradclip
        >>> gradclip.numpy.Clipper(GlobalNorm(1.0))([np.array([3.0]), None, np.array([4.0])])
        [array([0.6]), None, array([0.8])]

    References:
        Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*,
        2013, arXiv:1211.5063; `tf.clip_by_global_norm`, `torch.nn.utils.clip_grad_norm_`.
    """

    max_norm: Threshold
    norm_type: float = 2.0
    name: ClassVar[str] = "global-norm"

    def policy(self) -> Policy:
        """Return what carries it out."""
        return Clip(limit=Constant(self.max_norm, "max_norm"), norm=self.norm_type)


@dataclass(frozen=True, slots=True)
class AdaptiveGradientClipping(Method):
    """Scale each unit's gradient down to a fraction of its weights' norm (AGC).

    Attributes:
        clipping: The largest ratio of the gradient's norm to the parameter's, as
            `Value.max_value`. The paper's 0.01 is for batches of 4096, smaller ones bear 0.16.
        eps: The least norm that is assumed of a parameter, so that zeros can learn.
        axes: The axes of one unit; None for the framework's convention: all but the output axis
            (first in PyTorch, last elsewhere), and vectors as one unit. The paper leaves the
            last layer out: `Exclude("head", policy=AdaptiveGradientClipping())`.

    Raises:
        ConfigurationError: `clipping` or `eps` is negative or NaN.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(AdaptiveGradientClipping(0.1))
        >>> clipper([np.array([3.0, 4.0])], [np.array([6.0, 8.0])])
        [array([0.6, 0.8])]

    References:
        Brock, De, Smith and Simonyan, *High-Performance Large-Scale Image Recognition Without
        Normalization*, 2021, arXiv:2102.06171; `optax.adaptive_grad_clip`.
    """

    clipping: Threshold = 0.01
    eps: float = 1e-3
    axes: int | tuple[int, ...] | None = None
    name: ClassVar[str] = "agc"

    def policy(self) -> Policy:
        """Return what carries it out."""
        ratio = Ratio(self.clipping, self.eps, "clipping")
        return Clip(limit=ratio, granularity=Units(self.axes))
