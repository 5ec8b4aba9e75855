"""Methods with a limit that is learned, by the names of their papers."""

from dataclasses import dataclass
from typing import ClassVar

from gradclip.core.policies.clip import Clip
from gradclip.core.policies.combine import Warmup
from gradclip.core.policies.fixed import GlobalNorm
from gradclip.core.policies.limits import Percentile, RunningMean, SecondMoment, ZScore
from gradclip.core.policies.limits.constant import Threshold
from gradclip.core.policies.method import Method
from gradclip.core.policies.policy import Policy


@dataclass(frozen=True, slots=True)
class AutoClip(Method):
    """Scale all gradients down to a percentile of their norms so far.

    Attributes:
        percentile: In [0, 100]: a share of about `100 - percentile` percent of the steps is
            clipped. The paper recommends 10.
        window: The number of norms that are remembered; the paper remembers all.
        warmup: The number of norms to see before anything is clipped.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(AutoClip())
        >>> [float(clipper([np.array([norm])])[0][0]) for norm in (4.0, 2.0, 8.0)]
        [4.0, 2.0, 2.2]

    References:
        Seetharaman, Wichern, Pardo and Le Roux, *AutoClip: Adaptive Gradient Clipping for Source
        Separation Networks*, 2020, arXiv:2007.14469.
    """

    percentile: float = 10.0
    window: int = 1000
    warmup: int = 1
    name: ClassVar[str] = "autoclip"

    def policy(self) -> Policy:
        """Return what carries it out."""
        return Clip(
            limit=Percentile(percentile=self.percentile, window=self.window, warmup=self.warmup)
        )


@dataclass(frozen=True, slots=True)
class ZClip(Method):
    """Scale all gradients down where their norm is a spike: far above its running mean.

    Attributes:
        threshold: The z-score above which a norm is a spike, > 0.
        decay: The weight of the past in the running moments, in (0, 1).
        warmup: Norms to see before clipping.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(ZClip(warmup=4))
        >>> norms = [0.9, 1.1, 0.9, 1.1, 100.0]
        >>> [round(float(clipper([np.array([norm])])[0][0]), 3) for norm in norms]
        [0.9, 1.1, 0.9, 1.1, 1.001]

    References:
        Kumar et al., *ZClip: Adaptive Spike Mitigation for LLM Pre-Training*, 2025,
        arXiv:2504.02507. The author's code clips at a norm of 1 besides:
        `Chain(ZClip(), GlobalNorm(1.0))`.
    """

    threshold: float = 2.5
    decay: float = 0.97
    warmup: int = 25
    name: ClassVar[str] = "zclip"

    def policy(self) -> Policy:
        """Return what carries it out."""
        return Clip(limit=ZScore(threshold=self.threshold, decay=self.decay, warmup=self.warmup))


@dataclass(frozen=True, slots=True)
class AdaGC(Method):
    """Scale each gradient down to a factor of its own running mean.

    Attributes:
        factor: The largest ratio of a norm to its running mean, > 1; the paper's lambda_rel.
        decay: The weight of the past in the running mean, in (0, 1); the paper's beta.
        warmup: The number of optimizer steps that are clipped by their global norm instead.
        max_norm: That global norm; the paper's lambda_abs.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(AdaGC(warmup=1))
        >>> [float(clipper([np.array([norm])])[0][0]) for norm in (0.5, 8.0)]
        [0.5, 0.525]

    References:
        Wang et al., *AdaGC: Improving Training Stability for Large Language Model Pretraining*,
        2025, arXiv:2502.11034.
    """

    factor: float = 1.05
    decay: float = 0.98
    warmup: int = 100
    max_norm: Threshold = 1.0
    name: ClassVar[str] = "adagc"

    def policy(self) -> Policy:
        """Return what carries it out."""
        mean = RunningMean(factor=self.factor, decay=self.decay, warmup=self.warmup)
        return Warmup(
            Clip(limit=mean, granularity="tensor"), self.warmup, until=GlobalNorm(self.max_norm)
        )


@dataclass(frozen=True, slots=True)
class SPAM(Method):
    """Limit each entry whose square exceeds a multiple of its running mean of squares.

    It holds two float32 tensors for each parameter: Adam's second moment, which it repeats, and
    a count of what each entry has seen.

    Attributes:
        threshold: That multiple, > 1.
        decay: The weight of the past in the mean, in (0, 1): Adam's beta2.
        warmup: Steps before the first clip, also after a reset.
        reset_every: The number of optimizer steps after which the optimizer's own moments are
            set to zero, and this mean with them; None for never. A Clipper, which cannot reach
            those moments, says so.
            The paper warms the learning rate up again over 150 steps after that, which is left to
            the scheduler.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(SPAM(4.0, decay=0.5, warmup=1, reset_every=None))
        >>> [round(clipper([np.array([1.0, g])])[0][1].item(), 4) for g in (1.0, 9.0)]
        [1.0, 1.4142]

    References:
        Huang et al., *SPAM: Spike-Aware Adam with Momentum Reset for Stable LLM Training*, 2025,
        arXiv:2501.06842.
    """

    threshold: float = 5000.0
    decay: float = 0.999
    warmup: int = 20
    reset_every: int | None = 500
    name: ClassVar[str] = "spam"

    def policy(self) -> Policy:
        """Return what carries it out."""
        limit = SecondMoment(
            factor=self.threshold,
            decay=self.decay,
            warmup=self.warmup,
            reset_every=self.reset_every,
        )
        return Clip(limit=limit, granularity="element")
