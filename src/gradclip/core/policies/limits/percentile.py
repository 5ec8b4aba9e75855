"""A percentile of the last norms."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_count, check_number
from gradclip.core.policies.limits.limit import Seen


class PercentileState(NamedTuple):
    """The last norms."""

    window: Array  # (W, ...)
    position: Array  # where the next norm goes
    count: Array  # norms in the window


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentile:
    """A percentile of the norms in a window, as they were before clipping.

    A norm of 0 is not remembered: a tensor that often has no gradient would lose the others too.

    Attributes:
        percentile: In [0, 100], interpolated linearly.
        window: The number of norms that are remembered; after a lasting change of level the limit
            belongs to the new level this many steps later at the latest.
        warmup: The number of norms to see before anything is clipped, >= 1 and at most `window`.

    Raises:
        ConfigurationError: A number is out of its range.

    References:
        Seetharaman, Wichern, Pardo and Le Roux, *AutoClip: Adaptive Gradient Clipping for Source
        Separation Networks*, 2020, arXiv:2007.14469.
    """

    percentile: float = 10.0
    window: int = 1000
    warmup: int = 1
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("percentile", self.percentile, at_least=0.0, at_most=100.0)
        check_count("window", self.window, at_least=1)
        check_count("warmup", self.warmup, at_least=1, at_most=self.window)

    def init(self, like: Array, xp: Arithmetic) -> PercentileState:
        """Return an empty window."""
        return PercentileState(xp.zeros(like, self.window), xp.zeros(like), xp.zeros(like))

    def update(
        self, seen: Seen, state: PercentileState, xp: Arithmetic
    ) -> tuple[Array, PercentileState]:
        """Return the percentile of what came before, and the window with this norm."""
        window, position, count = state
        quantile = xp.quantile(window, count, self.percentile / 100.0)
        limit = xp.where(count >= self.warmup, quantile, float("inf"))
        following = xp.where(position + 1.0 >= self.window, 0.0, position + 1.0)
        something = seen.norm > 0
        return limit, PercentileState(
            window=xp.where(something, xp.put(window, position, seen.norm), window),
            position=xp.where(something, following, position),
            count=xp.where(something & (count < self.window), count + 1.0, count),
        )
