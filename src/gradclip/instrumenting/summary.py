"""What a followed training came to: the facts of its closing summary, read of its run."""

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.instrumenting.session import Session
from gradclip.record.reader import RunReader
from gradclip.record.run import Numbers, ThinRun
from gradclip.record.schema import Metadata, Status

# Where the program clips, its norm after is measured once more: this is what rounding leaves.
_UNCHANGED = 1 - 1e-6
_NUM_BUCKETS = 200  # of a run's steps, over which the layers' norms are averaged
_HIGH = 0.99

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A norm over the steps; NaN and None where it was never finite.

    Attributes:
        median: The median of the finite ones.
        high: What 99 % of them do not exceed.
        peak: The largest finite one.
        peak_step: Its step.
    """

    median: float
    high: float
    peak: float
    peak_step: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A training in figures; NaN stands for what is not known.

    Attributes:
        path: The run directory.
        others: Those of the process's other runs, which are shorter.
        status: How it ended.
        metadata: What was known before the first step.
        framework: Whose steps they were.
        optimizer: What made them, in a word or two.
        asked: Whether it was `gradclip run` that was asked to clip.
        num_steps: How many steps there were, recorded or not; of several runs, those recorded.
        num_recorded: How many of them are in the run.
        num_entries: How many numbers are trained.
        overhead: The time spent in the hooks over the time between the first and the last step.
        losses: The first and the last loss.
        before: The global norm as the gradients came.
        after: The same of what the optimizer got, without skipped steps.
        clipped: On how many recorded steps a clip acted.
        median_scale: How far it scaled there, in the median.
        skipped: How many recorded steps were dropped.
        non_finite: On how many recorded steps the norm was NaN or infinite.
        largest: The tensor with the greatest part in the squared global norm, and that part.
        norms: Each tensor's norm before clipping, the mean over the steps, (P,).
    """

    path: Path
    others: tuple[Path, ...]
    status: Status
    metadata: Metadata
    framework: str
    optimizer: str
    asked: bool
    num_steps: int
    num_recorded: int
    num_entries: int
    overhead: float
    losses: tuple[float, float]
    before: Spread
    after: Spread
    clipped: int
    median_scale: float
    skipped: int
    non_finite: int
    largest: tuple[str, float] | None
    norms: Column


def summarize(session: Session) -> Summary | None:
    """Read what a closed session's run came to, the longest of several; no run is read whole.

    Args:
        session: The session, closed.

    Returns:
        Its figures; None if no step was recorded.

    Raises:
        RunError: The run cannot be read.
    """
    open_run = importlib.import_module("gradclip.record").open_run
    readers: list[RunReader] = [open_run(path) for path in session.paths]
    longest = max(readers, key=lambda reader: reader.num_steps, default=None)
    if longest is None or not longest.num_steps:
        return None
    others = tuple(reader.path for reader in readers if reader is not longest)
    return _summary(session, longest, others)


def _summary(session: Session, reader: RunReader, others: tuple[Path, ...]) -> Summary:
    """Return the figures of a run that has steps."""
    metadata, numbers = reader.metadata, reader.numbers()
    acted = (numbers.scale < _UNCHANGED) & ~numbers.skipped
    squares, means = _squares_and_means(reader.thin(_NUM_BUCKETS), len(metadata.parameters))
    return Summary(
        path=reader.path,
        others=others,
        status=reader.status,
        metadata=metadata,
        framework=session.framework or metadata.framework,
        optimizer=session.optimizer,
        asked=session.settings.clip is not None,
        num_steps=len(numbers.steps) if others else max(session.steps, len(numbers.steps)),
        num_recorded=len(numbers.steps),
        num_entries=sum(math.prod(parameter.shape) for parameter in metadata.parameters),
        overhead=session.overhead,
        losses=_losses(numbers),
        before=_spread(numbers.global_norm_before, numbers.steps),
        after=_spread(numbers.global_norm_after[~numbers.skipped], numbers.steps[~numbers.skipped]),
        clipped=int(acted.sum()),
        median_scale=float(np.median(numbers.scale[acted])) if acted.any() else math.nan,
        skipped=int(numbers.skipped.sum()),
        non_finite=int((~np.isfinite(numbers.global_norm_before)).sum()),
        largest=_largest(squares, metadata),
        norms=means,
    )


def _losses(numbers: Numbers) -> tuple[float, float]:
    """Return the first and the last loss; NaN counts where the gradient was not finite either."""
    told = ~np.isnan(numbers.loss) | ~np.isfinite(numbers.global_norm_before)
    losses = numbers.loss[told]
    return (float(losses[0]), float(losses[-1])) if len(losses) else (math.nan, math.nan)


def _spread(norms: Column, steps: NDArray[np.int64]) -> Spread:
    """Return how a norm is spread over the steps."""
    finite = np.isfinite(norms)
    if not finite.any():
        return Spread(median=math.nan, high=math.nan, peak=math.nan, peak_step=None)
    known = norms[finite]
    return Spread(
        median=float(np.median(known)),
        high=float(np.quantile(known, _HIGH)),
        peak=float(known.max()),
        peak_step=int(steps[finite][known.argmax()]),
    )


def _squares_and_means(run: ThinRun, num_tensors: int) -> tuple[Column, Column]:
    """Return each tensor's part in the squared global norm, and its norm: means over the steps."""
    column = run.columns.get("norms_before")
    if column is None:
        return np.full(num_tensors, np.nan), np.full(num_tensors, np.nan)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        relative = column.mean / np.fmax.reduce(column.mean, axis=1, keepdims=True)  # any scale
        parts = relative**2 / np.nansum(relative**2, axis=1, keepdims=True)
    return _mean(parts, run.rows), _mean(column.mean, run.rows)


def _mean(values: Column, rows: Any) -> Column:
    """Return the mean over buckets of so many rows, (P,), of what is finite; NaN if nothing is."""
    weights = np.where(np.isfinite(values), rows[:, None], 0)
    total = weights.sum(axis=0)
    shares = weights / np.where(total > 0, total, 1)
    means = (np.where(weights > 0, values, 0.0) * shares).sum(axis=0)
    return np.where(total > 0, means, np.nan)


def _largest(parts: Column, metadata: Metadata) -> tuple[str, float] | None:
    """Return the tensor with the greatest part, and that; None if nothing is known."""
    if not np.isfinite(parts).any():
        return None
    place = int(np.nanargmax(parts))
    return metadata.parameters[place].name, float(parts[place])
