"""A run's steps one by one, as they were recorded."""

from collections.abc import Iterator

import numpy as np

from gradclip.record.layout import NORMS, STATISTICS, UPDATES
from gradclip.record.run import Run
from gradclip.record.schema import StepRecord

_OFTEN_UNKNOWN = ("loss", "accuracy", "learning_rate")
_KNOWN = ("time", "global_norm_before", "global_norm_after", "limit", "scale")


def records_of(run: Run) -> Iterator[StepRecord]:
    """Return a run's steps.

    Args:
        run: The run, or a part of one.

    Yields:
        Its steps; a loss, accuracy or learning rate that is NaN at all of them is unknown.
    """
    numbers = {name: getattr(run, name).tolist() for name in _KNOWN}
    for name in _OFTEN_UNKNOWN:
        column = getattr(run, name)
        if not np.isnan(column).all():
            numbers[name] = column.tolist()
    vectors = {n: v for n in (*NORMS, *STATISTICS) if (v := getattr(run, n)) is not None}
    place = {} if run.updates is None else {s: i for i, s in enumerate(run.updates.steps.tolist())}
    for i, step in enumerate(run.steps.tolist()):
        updated = place.get(step)
        yield StepRecord(
            step=step,
            skipped=bool(run.skipped[i]),
            lost=int(run.lost[i]),
            **{"loss": None} | {name: values[i] for name, values in numbers.items()},
            **{name: vector[i] for name, vector in vectors.items()},
            **{}
            if updated is None
            else {name: getattr(run.updates, name)[updated] for name in UPDATES},
        )
