"""What became of each parameter's gradient: a row of figures each."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradclip.record.thin import Thinned
from gradclip.report.facts import Facts


class LayerFigures(NamedTuple):
    """One parameter's gradient norms before clipping, and its updates; NaN for what is unknown."""

    name: str
    shape: tuple[int, ...]
    first: float  # at the first step
    last: float  # at the last step
    least: float  # the least and the greatest finite norm
    greatest: float
    zeros: int  # steps at which it was exactly 0
    non_finite: int  # steps at which it was NaN or infinite
    update_ratio: float  # the median of the update's norm over the weight's


def layer_figures(facts: Facts) -> list[LayerFigures]:
    """Return a row for each parameter, in their order."""
    return list(_rows(facts))


def _rows(facts: Facts) -> Iterator[LayerFigures]:
    """Make the rows one after the other."""
    least, greatest, zeros, broken = _extremes(facts)
    ratios = _median_ratios(facts)
    for place, parameter in enumerate(facts.metadata.parameters):
        yield LayerFigures(
            name=parameter.name,
            shape=parameter.shape,
            first=float(facts.start[place]),
            last=float(facts.end[place]),
            least=float(least[place]),
            greatest=float(greatest[place]),
            zeros=int(zeros[place]),
            non_finite=int(broken[place]),
            update_ratio=float(ratios[place]),
        )


def _extremes(facts: Facts) -> tuple[NDArray[np.float64], ...]:
    """Return the least and greatest norms, and the counts of zeros and of what is not finite."""
    column = facts.thin.columns.get("norms_before")
    count = len(facts.metadata.parameters)
    if column is None:
        return np.full(count, np.nan), np.full(count, np.nan), np.zeros(count), np.zeros(count)
    return _over_buckets(column)


def _over_buckets(column: Thinned) -> tuple[NDArray[np.float64], ...]:
    """Return what all buckets together hold."""
    return (
        np.fmin.reduce(column.low, axis=0),
        np.fmax.reduce(column.high, axis=0),
        column.zeros.sum(axis=0),
        (column.nans + column.infinities).sum(axis=0),
    )


def _median_ratios(facts: Facts) -> NDArray[np.float64]:
    """Return the medians of the finite ratios of updates to weights, (P,)."""
    count = len(facts.metadata.parameters)
    if facts.updates is None or not len(facts.updates.steps):
        return np.full(count, np.nan)
    ratios = np.sort(np.where(np.isfinite(facts.updates.ratios), facts.updates.ratios, np.nan), 0)
    known = np.isfinite(ratios).sum(axis=0)  # NaN comes last
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, len(ratios) - 1)
    columns = np.arange(count)
    return np.asarray((ratios[low, columns] + ratios[high, columns]) / 2)
