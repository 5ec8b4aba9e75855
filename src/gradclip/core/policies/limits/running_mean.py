"""A factor of the running mean of the norms."""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_choice, check_count, check_number
from gradclip.core.policies.limits.limit import Seen

Start = Literal["minimum", "mean"]


class RunningMeanState(NamedTuple):
    """What is known of the norms."""

    mean: Array
    count: Array  # norms seen, up to the warm-up


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningMean:
    """A factor of the exponential mean of the clipped norms.

    A norm of 0 teaches nothing: a limit of 0 would never be left again.

    Attributes:
        factor: What the mean is multiplied by, > 1: the mean grows by at most
            `1 + (1 - decay) * (factor - 1)` a step.
        decay: The weight of the past in the mean, in (0, 1).
        warmup: Norms to see before clipping.
        start: What the mean is when the warm-up ends: the least norm so far, or their mean.

    Raises:
        ConfigurationError: A number is out of its range.

    References:
        Wang et al., *AdaGC: Improving Training Stability for Large Language Model Pretraining*,
        2025, arXiv:2502.11034.
    """

    factor: float = 1.05
    decay: float = 0.98
    warmup: int = 100
    start: Start = "minimum"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("factor", self.factor, above=1.0)
        check_number("decay", self.decay, above=0.0, below=1.0)
        check_count("warmup", self.warmup, at_least=1)
        check_choice("start", self.start, Start)

    def init(self, like: Array, xp: Arithmetic) -> RunningMeanState:
        """Return zeros."""
        return RunningMeanState(xp.zeros(like), xp.zeros(like))

    def update(
        self, seen: Seen, state: RunningMeanState, xp: Arithmetic
    ) -> tuple[Array, RunningMeanState]:
        """Return the limit for this norm, and the mean that has seen it."""
        mean, count = state
        norm, ready = seen.norm, count >= self.warmup
        allowed = self.factor * mean
        limit = xp.where(ready, allowed, float("inf"))

        cut = xp.where(norm > allowed, allowed, norm)
        following = mean + (1.0 - self.decay) * (cut - mean)
        if self.start == "minimum":
            early = xp.where((count < 1.0) | (norm < mean), norm, mean)
        else:
            early = mean + (norm - mean) / (count + 1.0)
        something = norm > 0
        return limit, RunningMeanState(
            mean=xp.where(something, xp.where(ready, following, early), mean),
            count=xp.where(something & (count < self.warmup), count + 1.0, count),
        )
