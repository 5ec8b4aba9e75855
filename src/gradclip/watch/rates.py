"""How fast a run goes, and how often it clips."""

from dataclasses import dataclass

import numpy as np

from gradclip.record.run import Numbers

RECENT = 100  # steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Shares and speed of a run.

    Attributes:
        clipped: The share of all steps that clipping scaled down; NaN if there is no step.
        clipped_recently: Likewise of the last hundred.
        recent: How many steps that is: a hundred, or all there are.
        skipped: How many steps were dropped.
        steps_per_second: Of the last hundred steps; NaN while it cannot be known.
    """

    clipped: float
    clipped_recently: float
    recent: int
    skipped: int
    steps_per_second: float


def rates(numbers: Numbers) -> Rates:
    """Return a run's rates.

    Args:
        numbers: All steps.

    Returns:
        The rates. A step that was dropped is not a clipped one.
    """
    clipped = (numbers.scale < 1) & ~numbers.skipped
    return Rates(
        clipped=_share(clipped),
        clipped_recently=_share(clipped[-RECENT:]),
        recent=len(clipped[-RECENT:]),
        skipped=int(numbers.skipped.sum()),
        steps_per_second=_speed(numbers),
    )


def _share(hits: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Return which share of steps is hit; NaN of none."""
    return float(hits.mean()) if len(hits) else np.nan


def _speed(numbers: Numbers) -> float:
    """Return steps a second; the clock begins anew where a run was resumed."""
    apart = np.diff(numbers.time[-RECENT:])
    steps = np.diff(numbers.steps[-RECENT:])[apart > 0]
    seconds = float(apart[apart > 0].sum())
    return float(steps.sum()) / seconds if seconds > 0 else np.nan
