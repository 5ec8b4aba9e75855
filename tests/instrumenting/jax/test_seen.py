"""What is seen of steps, read one by one and together."""

import numpy as np
import pytest

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.column import Column
from gradclip.instrumenting.jax.seen import Number, Packed
from gradclip.instrumenting.observation import Observation
from gradclip.record.reading import Reading
from gradclip.record.together import Step, joined, stretches

pytestmark = pytest.mark.jax
NAMES = ("w", "b", "v")
KINDS = {"unchanged": False, "clipped": True}


def seen(row, packed, *, clipped):
    columns = [Column(packed, row, slice(3 * i, 3 * i + 3)) for i in range(5)]
    before, after, *counted = columns
    return Observation(
        names=NAMES,
        parts_before=before,
        parts_after=after if clipped else before,
        statistics=Statistics(None, before, *counted),
        limit=Number(((packed, row, 15),)) if clipped else np.inf,
        skipped=Number(((packed, row, 16),)) if clipped else False,
    )


def steps_of(*, clipped):
    rng = np.random.default_rng(0)
    rows = rng.lognormal(sigma=20, size=(4, 2, 17)).astype(np.float32)
    rows[..., 16] = 0
    rows[0, 0, 0], rows[1, 0, 1], rows[2, 0, :6], rows[3, 1, 16] = np.inf, np.nan, 0, 1
    reports = [seen(i, packed, clipped=clipped) for packed in map(Packed, rows) for i in range(2)]
    return [Step(i, i / 8, report, None, {}, 0) for i, report in enumerate(reports)]


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_read_together_exactly_as_one_by_one(kind):
    steps = steps_of(clipped=KINDS[kind])
    assert [(together, len(stretch)) for together, stretch in stretches(steps)] == [(True, 8)]
    block = joined(steps, len(NAMES))
    for i, record in enumerate(Reading(len(NAMES)).records(steps)):
        for name in block.columns.keys() - {"loss", "accuracy", "learning_rate"}:
            np.testing.assert_array_equal(block.columns[name][i], getattr(record, name), name)


def test_arrays_of_numpy_are_read_one_by_one():
    norms = np.ones(3)
    assert Observation(names=NAMES, parts_before=norms, parts_after=norms).form is None
