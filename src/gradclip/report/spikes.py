"""Finds the step whose gradient most exceeded those right before it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PAST = 20  # steps that say what is usual
_LEAST = 3.0  # times the usual: less is the noise of batches


class Spike(NamedTuple):
    """A norm that stands out."""

    step: int
    norm: float
    factor: float  # the norm over the geometric mean of those before it


def largest_spike(steps: NDArray[np.int64], norms: NDArray[np.float64]) -> Spike | None:
    """Return the greatest spike.

    Args:
        steps: The steps' numbers, (S,).
        norms: Their global norms, (S,); those that are zero or not finite are left out.

    Returns:
        The step whose norm is the greatest multiple of the geometric mean of the twenty norms
        before it; None if there are no twenty before any step, or nothing reaches three times.

    Example:
        >>> largest_spike(np.arange(30), np.where(np.arange(30) == 25, 8.0, 2.0))
        Spike(step=25, norm=8.0, factor=4.0)
    """
    usable = np.isfinite(norms) & (norms > 0)
    steps, norms = steps[usable], norms[usable]
    if len(norms) <= _PAST:
        return None
    sums = np.concatenate([[0.0], np.cumsum(np.log(norms))])
    usual = (sums[_PAST:-1] - sums[: -_PAST - 1]) / _PAST
    excess = np.log(norms[_PAST:]) - usual
    place = int(np.argmax(excess))
    factor = float(np.exp(excess[place]).round(12))
    if factor < _LEAST:
        return None
    return Spike(int(steps[_PAST + place]), float(norms[_PAST + place]), factor)
