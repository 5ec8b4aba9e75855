"""What a threshold for the global norm would have clipped of a recorded run."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST = 400  # stops of a slider
# Each finer grid holds the coarser ones' stops, so that runs can be compared at the same ones.
_STOPS_A_DECADE = (200, 40, 10, 2)
_SHARE = 0.01  # of the steps: leaves all but rare spikes alone


class Thresholds(NamedTuple):
    """How many of the recorded steps each of some thresholds would have clipped."""

    limits: list[float]  # rising, of three digits
    clipped: list[int]  # steps whose norm is finite and greater than the limit
    num_finite: int  # steps whose norm is finite
    num_steps: int
    suggested: float | None  # the least of the limits that clips at most one step in a hundred


def thresholds(norms: NDArray[np.float64], limit: float | None = None) -> Thresholds:
    """Count for many thresholds; `gradclip.replay` says the same of each.

    Args:
        norms: The global norms before clipping, (S,).
        limit: A threshold to count for as well: the one that was in force.

    Returns:
        The counts; no limits if no norm is finite and positive.

    Example:
        >>> found = thresholds(np.array([1.0, 2.0, 4.0, np.nan]))
        >>> found.limits[0], found.clipped[0], found.limits[-1], found.clipped[-1]
        (0.989, 3, 4.03, 0)
    """
    finite = np.sort(norms[np.isfinite(norms)])
    positive = finite[finite > 0]
    if not len(positive):
        return Thresholds([], [], len(finite), len(norms), None)
    limits = _stops(float(positive[0]), float(positive[-1]))
    if limit is not None:
        limits = np.unique(np.append(limits, limit))
    clipped = len(finite) - np.searchsorted(finite, limits, side="right")
    rare = limits[clipped <= _SHARE * len(finite)]
    suggested = float(rare[0]) if len(rare) else None
    return Thresholds(limits.tolist(), clipped.tolist(), len(finite), len(norms), suggested)


def _stops(least: float, greatest: float) -> NDArray[np.float64]:
    """Return round numbers from below the least to above the greatest."""
    low, high = np.log10(least), np.log10(greatest)
    finest = [n for n in _STOPS_A_DECADE if (high - low) * n + 3 <= _MOST]
    count = finest[0] if finest else _STOPS_A_DECADE[-1]
    powers = np.arange(np.floor(low * count) - 1, np.ceil(high * count) + 2) / count
    rounded = np.array([float(f"{10.0**power:.3g}") for power in np.clip(powers, -307, 308)])
    inside = np.flatnonzero((rounded >= least) & (rounded <= greatest))
    if not len(inside):
        return np.unique(rounded)
    return np.unique(rounded[max(inside[0] - 1, 0) : inside[-1] + 2])
