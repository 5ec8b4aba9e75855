"""The update really applied: what a step changed of the weights."""

from dataclasses import replace

from gradclip.record import StepRecord
from gradclip.record.applied import Weights, applied

UPDATES_EVERY = 10  # steps: copies of all weights at each would be felt


def with_update(record: StepRecord, before: Weights, after: Weights) -> StepRecord:
    """Return a step's record with the weights' norms and those of its changes.

    Args:
        record: The record.
        before: P weights before the step.
        after: The same after it.
    """
    weight_norms, update_norms = applied(before, after)
    return replace(record, weight_norms=weight_norms, update_norms=update_norms)
