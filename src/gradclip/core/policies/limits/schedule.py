"""A number that changes with the steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.floats import Floats
from gradclip.core.namespace import Array
from gradclip.core.policies.checks import check_limit
from gradclip.errors import ConfigurationError


@dataclass(frozen=True, slots=True, init=False)
class Schedule:
    """A limit that follows points over the optimizer's steps.

    Args:
        points: The limit by step; the first and the last one hold before and after.
        linear: Whether to go straight from point to point; otherwise a point's limit holds until
            the next one.

    Raises:
        ConfigurationError: There is no point, a step is negative, or a limit negative or NaN.

    Example:
        >>> limit = Schedule({0: 10.0, 1000: 1.0})
        >>> limit(0), limit(500), limit(2000)
        (10.0, 5.5, 1.0)
    """

    points: tuple[tuple[int, float], ...]
    linear: bool
    uses_arithmetic: ClassVar[bool] = True

    def __init__(self, points: Mapping[int, float] | object, *, linear: bool = True) -> None:
        object.__setattr__(self, "points", _checked(points, linear=linear))
        object.__setattr__(self, "linear", linear)

    def __call__(self, step: Array, xp: Arithmetic | None = None) -> Array:
        """Return the limit at a step."""
        xp = xp or Floats()
        value: Array = self.points[0][1]
        for (start, low), (stop, high) in pairwise(self.points):
            if self.linear:
                share = (step - start) / (stop - start)
                value = xp.where(step >= start, low + (high - low) * share, value)
            value = xp.where(step >= stop, high, value)
        return xp.wide(value)


def _checked(points: object, *, linear: bool) -> tuple[tuple[int, float], ...]:
    """Return the points in order.

    Raises:
        ConfigurationError: One of them cannot be.
    """
    pairs = points.items() if isinstance(points, Mapping) else points
    try:
        ordered = tuple(sorted((step, limit) for step, limit in pairs))  # type: ignore[attr-defined]  # the error answers
    except (TypeError, ValueError) as error:
        msg = f"A schedule must be limits by step such as {{0: 10.0, 1000: 1.0}}, got {points!r}."
        raise ConfigurationError(msg) from error
    if not ordered or ordered[0][0] < 0 or len({step for step, _ in ordered}) < len(ordered):
        msg = f"A schedule needs a limit for one step >= 0 or more, each once, got {points!r}."
        raise ConfigurationError(msg)
    for step, limit in ordered:
        check_limit(f"schedule[{step}]", limit)
        if linear and math.isinf(limit):
            msg = f"schedule[{step}] must be finite to draw a line to, got inf. Set linear=False."
            raise ConfigurationError(msg)
    return ordered
