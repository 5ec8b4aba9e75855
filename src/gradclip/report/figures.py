"""The few figures that say what a run did."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradclip.record.run import Run

_TOLERANCE = 1e-6  # float32 rounding: a norm may come out that much smaller unclipped


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
        loss: The last batch's loss; NaN if unknown.
        accuracy: The last batch's accuracy; NaN if unknown.
        test_accuracy: The accuracy on the test images, None if it was not measured.
        clipped: On how many steps clipping changed a gradient.
        skipped: How many steps were dropped.
        non_finite: How many steps had a NaN or infinite gradient norm.
        peak: The greatest finite global norm before clipping; NaN if there is none.
        peak_step: The step of the peak, None if there is none.
        start_norm: The first step's global norm before clipping.
        end_norm: The last step's.
        layers: The first and last weight's norms, None for a run with fewer than two weights.
    """

    num_steps: int
    seconds: float
    loss: float
    accuracy: float
    test_accuracy: float | None
    clipped: int
    skipped: int
    non_finite: int
    peak: float
    peak_step: int | None
    start_norm: float
    end_norm: float
    layers: Layers | None


def figures(run: Run) -> Figures:
    """Return what a run came to.

    Args:
        run: A run of any length, also one without any step.

    Returns:
        Its figures; NaN stands for what is not known.
    """
    norms = run.global_norm_before
    finite = np.isfinite(norms)
    peak = int(np.argmax(np.where(finite, norms, -np.inf))) if finite.any() else -1
    return Figures(
        num_steps=len(run.steps),
        seconds=_last(run.time),
        loss=_last(run.loss),
        accuracy=_last(run.accuracy),
        test_accuracy=_test_accuracy(run),
        clipped=int(clipped_steps(run).sum()),
        skipped=int(run.skipped.sum()),
        non_finite=int((~finite).sum()),
        peak=float(norms[peak]) if peak >= 0 else math.nan,
        peak_step=int(run.steps[peak]) if peak >= 0 else None,
        start_norm=float(norms[0]) if len(norms) else math.nan,
        end_norm=_last(norms),
        layers=_layers(run),
    )


def clipped_steps(run: Run) -> NDArray[np.bool_]:
    """Return on which steps clipping changed a gradient, (S,); a dropped step was not clipped."""
    shrunk = run.norms_after < run.norms_before * (1 - _TOLERANCE)
    return np.asarray(((run.scale < 1) | shrunk.any(axis=1)) & ~run.skipped)


def weights(run: Run) -> list[int]:
    """Return the places of the parameters that are matrices or more, from input to output."""
    return [i for i, p in enumerate(run.metadata.parameters) if len(p.shape) > 1]


def _layers(run: Run) -> Layers | None:
    """Return the first and last weight's norms."""
    places = weights(run)
    if len(places) < 2 or not len(run.steps):  # noqa: PLR2004  # a first and a last
        return None
    first, last = places[0], places[-1]
    ends = run.norms_before[[0, -1]]
    return Layers(
        first=run.metadata.parameters[first].name,
        last=run.metadata.parameters[last].name,
        first_norms=(float(ends[0, first]), float(ends[1, first])),
        last_norms=(float(ends[0, last]), float(ends[1, last])),
    )


def _test_accuracy(run: Run) -> float | None:
    """Return the test accuracy that the run's summary holds."""
    accuracy = (run.summary or {}).get("test_accuracy")
    return float(accuracy) if isinstance(accuracy, int | float) else None


def _last(column: NDArray[np.float64]) -> float:
    """Return a column's last value, NaN if it has none."""
    return float(column[-1]) if len(column) else math.nan


def _ratio(numerator: float, denominator: float) -> float:
    """Return a quotient; NaN for 0/0 and inf for x/0."""
    if denominator:
        return numerator / denominator
    return math.inf if numerator else math.nan
