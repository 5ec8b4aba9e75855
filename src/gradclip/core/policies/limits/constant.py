"""Limits that learn nothing: a number, a schedule, a ratio to the parameters' norms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from gradclip.core.arithmetic import Arithmetic, State
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_limit, check_number
from gradclip.core.policies.limits.limit import Seen

Threshold = float | Callable[[Array], Array] | Any  # or a scalar tensor, traced or not


@dataclass(frozen=True, slots=True)
class Constant:
    """The same limit at every step, or one that a function of the step gives.

    Attributes:
        value: The limit, >= 0: a number or scalar tensor; a `Schedule`, or another function from
            the number of steps before this one to the limit. 0 gives zeros, inf measures only.
        name: What errors call it.

    Raises:
        ConfigurationError: The number is negative or NaN.
    """

    value: Threshold
    name: str = "limit"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_limit(self.name, self.value)

    def init(self, like: Array, xp: Arithmetic) -> State:
        """Return nothing: there is no state."""
        del like, xp
        return ()

    def update(self, seen: Seen, state: State, xp: Arithmetic) -> tuple[Array, State]:
        """Return the value."""
        return threshold_at(self.value, seen.step, xp), state


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share of the parameters' norm.

    Attributes:
        ratio: The share, as `Constant.value`.
        eps: The least norm that is assumed of a parameter, so that zeros can learn.

    Raises:
        ConfigurationError: A number is negative or NaN.

    References:
        Brock, De, Smith and Simonyan, *High-Performance Large-Scale Image Recognition Without
        Normalization*, 2021, arXiv:2102.06171.
    """

    ratio: Threshold = 0.01
    eps: float = 1e-3
    name: str = "ratio"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_limit(self.name, self.ratio)
        check_number("eps", self.eps, at_least=0.0)

    def init(self, like: Array, xp: Arithmetic) -> State:
        """Return nothing: there is no state."""
        del like, xp
        return ()

    def update(self, seen: Seen, state: State, xp: Arithmetic) -> tuple[Array, State]:
        """Return the share of the weight's norm."""
        assert seen.weight is not None  # what is relative gets it
        weight = xp.where(seen.weight < self.eps, self.eps, seen.weight)
        return threshold_at(self.ratio, seen.step, xp) * weight, state


def threshold_at(value: Any, step: Array, xp: Arithmetic) -> Array:
    """Return what a threshold is at a step."""
    if getattr(value, "uses_arithmetic", False):
        scheduled: Array = value(step, xp)
        return scheduled
    return xp.wide(value(step) if callable(value) else value)
