"""A chart's upright axis: linear, or logarithmic where values span decades."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradclip.record.thin import Column

_DECADES = 1.0  # from so many on an axis is logarithmic


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """What is shown of the values, on the scale that is drawn.

    Attributes:
        low: The least value, or its logarithm to base 10.
        high: The greatest, likewise.
        logarithmic: Which of both.
    """

    low: float
    high: float
    logarithmic: bool

    def heights(self, values: Column) -> Column:
        """Return where values are between the axis' ends, 0 to 1; NaN where there is none.

        On a logarithmic axis 0 is at the lower end.
        """
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.maximum(np.log10(values), self.low)
        return np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)

    def ticks(self, most: int) -> list[float]:
        """Return at most so many round values between the ends.

        On a logarithmic axis they are powers of ten, with 2 and 5 times them where there is room.
        """
        if not self.logarithmic:
            return self._multiples((self.high - self.low) / (10 * most), most)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        fine = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        fine = [value for value in fine if self.low <= math.log10(value) <= self.high]
        if len(fine) <= most:
            return fine
        return [10.0**power for power in self._multiples(1.0, most)]

    def _multiples(self, least: float, most: int) -> list[float]:
        """Return the multiples of a round step between the ends, as many as may be."""
        return next(found for step in _round_steps(least) if len(found := self._at(step)) <= most)

    def _at(self, step: float) -> list[float]:
        """Return the multiples of a step between the ends."""
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]


def axis_of(values: Column) -> Axis:
    """Return the axis that shows all finite values.

    Example:
        >>> axis_of(np.array([1.0, 1000.0])).logarithmic, axis_of(np.array([1.0, 2.0])).low
        (True, 1.0)
    """
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    if len(positive) and finite.min() >= 0:
        powers = math.log10(positive.min()), math.log10(positive.max())
        if powers[1] - powers[0] > _DECADES:
            return Axis(low=powers[0], high=powers[1], logarithmic=True)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high - low <= 1e-9 * abs(high):  # a constant stands in the middle
        margin = 0.5 * abs(high) or 0.5
        low, high = low - margin, high + margin
    return Axis(low=low, high=high, logarithmic=False)


def _round_steps(least: float) -> Iterator[float]:
    """Yield 1, 2 and 5 times powers of ten, from about a number on."""
    power = 10.0 ** math.floor(math.log10(least))
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
