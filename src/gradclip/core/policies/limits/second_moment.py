"""A factor of the root of the running mean of squares."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_count, check_number
from gradclip.core.policies.limits.limit import Seen


class SecondMomentState(NamedTuple):
    """Adam's second moment."""

    root: Array  # the root of the mean of squares, which float32 could not always hold
    count: Array  # norms seen, up to the warm-up or since the last reset


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondMoment:
    """A limit on the square of a norm: a factor of the exponential mean of its squares.

    The mean starts at 0 and is not corrected for that, as Adam's inside its state. Where nothing
    but zeros was seen there is no limit: a limit of 0 would never be left again.

    Attributes:
        factor: What the mean of squares is multiplied by, > 1.
        decay: The weight of the past in the mean, in (0, 1): Adam's beta2.
        warmup: Norms to see before clipping.
        reset_every: The number of norms after which all is forgotten; None for never.

    Raises:
        ConfigurationError: A number is out of its range.

    References:
        Huang et al., *SPAM: Spike-Aware Adam with Momentum Reset for Stable LLM Training*, 2025,
        arXiv:2501.06842.
    """

    factor: float = 5000.0
    decay: float = 0.999
    warmup: int = 20
    reset_every: int | None = None
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("factor", self.factor, above=1.0)
        check_number("decay", self.decay, above=0.0, below=1.0)
        check_count("warmup", self.warmup, at_least=1)
        if self.reset_every is not None:
            check_count("reset_every", self.reset_every, at_least=1)

    def init(self, like: Array, xp: Arithmetic) -> SecondMomentState:
        """Return zeros."""
        return SecondMomentState(xp.zeros(like), xp.zeros(like))

    def update(
        self, seen: Seen, state: SecondMomentState, xp: Arithmetic
    ) -> tuple[Array, SecondMomentState]:
        """Return the limit for this norm, and the mean that has seen it clipped."""
        root, count = state
        ready = (count >= self.warmup) & (root > 0)
        limit = xp.where(ready, math.sqrt(self.factor) * root, float("inf"))
        norm = xp.where(seen.norm > limit, limit, seen.norm)
        square = self.decay * root * root + (1.0 - self.decay) * norm * norm
        learned = SecondMomentState(root=xp.sqrt(square), count=count + 1.0)
        if self.reset_every is None:
            most = xp.where(learned.count > self.warmup, float(self.warmup), learned.count)
            return limit, learned._replace(count=most)
        over = learned.count >= self.reset_every
        return limit, SecondMomentState(*(xp.where(over, 0.0, entry) for entry in learned))
