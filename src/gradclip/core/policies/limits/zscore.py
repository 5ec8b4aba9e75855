"""A number of standard deviations above the running mean."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_count, check_number
from gradclip.core.policies.limits.limit import Seen

_LEAST_DEVIATION = 0.01  # of the mean: what a spike may teach where norms never differed


class ZScoreState(NamedTuple):
    """Running moments of the norm."""

    mean: Array
    deviation: Array  # the root of the variance, which float32 could not always hold
    count: Array  # norms seen, up to the warm-up


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScore:
    """A limit that a norm may exceed by chance only.

    A norm whose z-score z lies above `threshold` is cut to `mean + threshold**2 / z * deviation`,
    the nearer to the mean the larger it is. The moments then learn from
    `mean + threshold * deviation` in its place, so that they follow a lasting change of level,
    which the published rule, learning from the cut norm, does not. A norm of 0 teaches nothing:
    a limit of 0 would never be left again.

    Attributes:
        threshold: The z-score above which a norm is a spike, > 0.
        decay: The weight of the past in the moments, in (0, 1).
        warmup: Norms to see before clipping; the moments of these are exact.

    Raises:
        ConfigurationError: A number is out of its range.

    References:
        Kumar et al., *ZClip: Adaptive Spike Mitigation for LLM Pre-Training*, 2025,
        arXiv:2504.02507. Finch, *Incremental calculation of weighted mean and variance*, 2009.
    """

    threshold: float = 2.5
    decay: float = 0.97
    warmup: int = 25
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold, above=0.0)
        check_number("decay", self.decay, above=0.0, below=1.0)
        check_count("warmup", self.warmup, at_least=1)

    def init(self, like: Array, xp: Arithmetic) -> ZScoreState:
        """Return zeros."""
        return ZScoreState(xp.zeros(like), xp.zeros(like), xp.zeros(like))

    def update(self, seen: Seen, state: ZScoreState, xp: Arithmetic) -> tuple[Array, ZScoreState]:
        """Return the limit for this norm, and the moments that have seen it."""
        mean, deviation, count = state
        ready = count >= self.warmup
        excess, bound = seen.norm - mean, self.threshold * deviation
        spike = ready & (excess > bound)
        # Divide by 1 where there is no spike: every branch is computed, and must stay finite.
        cut = xp.where(spike, bound * (bound / xp.where(spike, excess, 1.0)), bound)
        limit = xp.where(ready, mean + cut, float("inf"))

        least = self.threshold * _LEAST_DEVIATION * mean
        most = xp.where(bound > least, bound, least)
        step = xp.where(ready & (excess > most), most, excess)
        # Gain 1/n gives the exact moments of the first n norms, a constant gain their average.
        gain = xp.where(ready, 1.0 - self.decay, 1.0 / (count + 1.0))
        # The paper's variance is about the new mean: one factor more than the exact average's.
        gained = gain * xp.where(ready, self.decay, 1.0) * step * step
        variance = (1.0 - gain) * (deviation * deviation + gained)
        something = seen.norm > 0
        return limit, ZScoreState(
            mean=xp.where(something, mean + gain * step, mean),
            deviation=xp.where(something, xp.sqrt(variance), deviation),
            count=xp.where(something & (count < self.warmup), count + 1.0, count),
        )
