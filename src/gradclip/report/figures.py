"""The few figures that say what a run did."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradclip.report.facts import Facts, clipped_steps, is_weight
from gradclip.report.spikes import Spike, largest_spike


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """The first and the last weight's gradient norms: whether gradients vanish on their way.

    Attributes:
        first: The name of the weight next to the input.
        last: The name of the weight next to the output.
        first_norms: Its gradient norm before clipping, at the first and the last step.
        last_norms: Likewise of the last weight.
    """

    first: str
    last: str
    first_norms: tuple[float, float]
    last_norms: tuple[float, float]

    @property
    def ratios(self) -> tuple[float, float]:
        """First norm over last norm, at the first and the last step; NaN for 0/0."""
        start, end = (
            _ratio(first, last)
            for first, last in zip(self.first_norms, self.last_norms, strict=True)
        )
        return start, end


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What a run came to, in figures.

    Attributes:
        num_steps: How many steps there are.
        seconds: How long they took.
        start_loss: The first batch's loss; NaN if unknown.
        loss: The last batch's loss; NaN if unknown.
        lowest_loss: The least finite loss; NaN if there is none.
        accuracy: The last batch's accuracy; NaN if unknown.
        test_accuracy: The accuracy on the test images, None if it was not measured.
        clipped: On how many steps clipping changed a gradient.
        skipped: How many steps were dropped.
        non_finite: How many steps had a NaN or infinite gradient norm.
        first_non_finite: The first of them, None if there is none.
        peak: The greatest finite global norm before clipping; NaN if there is none.
        peak_step: The step of the peak, None if there is none.
        start_norm: The first step's global norm before clipping.
        end_norm: The last step's.
        median_norm: The median of the finite norms.
        spike: The norm that most exceeded those right before it; None if there is none.
        lost: How many steps could not be kept.
        damaged: How many records are not what was written.
        layers: The first and last weight's norms, None for a run with fewer than two weights.
    """

    num_steps: int
    seconds: float
    start_loss: float
    loss: float
    lowest_loss: float
    accuracy: float
    test_accuracy: float | None
    clipped: int
    skipped: int
    non_finite: int
    first_non_finite: int | None
    peak: float
    peak_step: int | None
    start_norm: float
    end_norm: float
    median_norm: float
    spike: Spike | None
    lost: int
    damaged: int
    layers: Layers | None


def figures(facts: Facts) -> Figures:
    """Return what a run came to.

    Args:
        facts: A run of any length, also one without any step.

    Returns:
        Its figures; NaN stands for what is not known.
    """
    numbers = facts.numbers
    norms, steps = numbers.global_norm_before, numbers.steps
    finite = np.isfinite(norms)
    peak = int(np.argmax(np.where(finite, norms, -np.inf))) if finite.any() else -1
    return Figures(
        num_steps=len(steps),
        seconds=_last(numbers.time),
        start_loss=float(numbers.loss[0]) if len(steps) else math.nan,
        loss=_last(numbers.loss),
        lowest_loss=_lowest(numbers.loss),
        accuracy=_last(numbers.accuracy),
        test_accuracy=_test_accuracy(facts),
        clipped=int(clipped_steps(numbers).sum()),
        skipped=int(numbers.skipped.sum()),
        non_finite=int((~finite).sum()),
        first_non_finite=None if finite.all() else int(steps[np.argmin(finite)]),
        peak=float(norms[peak]) if peak >= 0 else math.nan,
        peak_step=int(steps[peak]) if peak >= 0 else None,
        start_norm=float(norms[0]) if len(norms) else math.nan,
        end_norm=_last(norms),
        median_norm=float(np.median(norms[finite])) if finite.any() else math.nan,
        spike=largest_spike(steps, norms),
        lost=int(numbers.lost.sum()),
        damaged=numbers.damaged,
        layers=_layers(facts),
    )


def _layers(facts: Facts) -> Layers | None:
    """Return the first and last weight's norms."""
    parameters = facts.metadata.parameters
    places = [place for place, parameter in enumerate(parameters) if is_weight(parameter)]
    if len(places) < 2 or not len(facts.numbers.steps):  # noqa: PLR2004  # a first and a last
        return None
    first, last = places[0], places[-1]
    return Layers(
        first=parameters[first].name,
        last=parameters[last].name,
        first_norms=(float(facts.start[first]), float(facts.end[first])),
        last_norms=(float(facts.start[last]), float(facts.end[last])),
    )


def _test_accuracy(facts: Facts) -> float | None:
    """Return the test accuracy that the run's summary holds."""
    accuracy = (facts.summary or {}).get("test_accuracy")
    return float(accuracy) if isinstance(accuracy, int | float) else None


def _lowest(column: NDArray[np.float64]) -> float:
    """Return a column's least finite value, NaN if it has none."""
    finite = column[np.isfinite(column)]
    return float(finite.min()) if len(finite) else math.nan


def _last(column: NDArray[np.float64]) -> float:
    """Return a column's last value, NaN if it has none."""
    return float(column[-1]) if len(column) else math.nan


def _ratio(numerator: float, denominator: float) -> float:
    """Return a quotient; NaN for 0/0 and inf for x/0."""
    if denominator:
        return numerator / denominator
    return math.inf if numerator else math.nan
