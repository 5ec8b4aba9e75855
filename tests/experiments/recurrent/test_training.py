"""Training on the temporal-order problem."""

import math

import numpy as np
import pytest

from gradclip.errors import ConfigurationError
from gradclip.experiments.recurrent.experiment import TemporalOrder
from gradclip.experiments.recurrent.training import TemporalOrderTraining


def train(**choices):
    training = TemporalOrderTraining(TemporalOrder(**choices))
    return training, list(training.steps())


@pytest.mark.slow
def test_clipping_solves_what_is_not_solved_without():
    clipped, records = train(steps=2500)
    clipped.evaluate()
    assert clipped.solved
    assert len(records) < 2500  # it ends when the problem is solved
    assert max(r.global_norm_after for r in records) == pytest.approx(1.0)
    unclipped, records = train(steps=2500, clip="none")
    assert unclipped.evaluate() < 0.5
    assert not unclipped.solved
    assert len(records) == 2500


def test_the_same_seed_gives_the_same_run():
    first, again = (train(steps=5, length=10)[1] for _ in range(2))
    assert [r.loss for r in first] == [r.loss for r in again]


def test_both_trainings_begin_alike():
    clipped, unclipped = (train(steps=2, clip=clip)[1] for clip in ("global-norm=1e-9", "none"))
    assert clipped[0].global_norm_before == unclipped[0].global_norm_before
    assert clipped[0].limit == 1e-9
    assert unclipped[0].limit is None


@pytest.mark.parametrize(("clip", "skipped"), [("none", False), ("global-norm=1", True)])
def test_what_is_not_finite_takes_its_course_without_clipping_and_is_dropped_with(clip, skipped):
    training = TemporalOrderTraining(TemporalOrder(steps=1, clip=clip))
    weights = training.learner.weights
    training.learner.weights = weights._replace(w_out=weights.w_out * np.float32(np.nan))
    (record,) = training.steps()
    assert record.skipped is skipped
    assert np.isnan(training.learner.weights.b_rec).any() != skipped


@pytest.mark.parametrize(
    "choices",
    [
        {"length": 4},
        {"steps": 0},
        {"lr": -1.0},
        {"lr": math.nan},
        {"init": "clever"},
        {"clip": "magic=1"},
        {"seed": -1},
        {"hidden": 0},
    ],
)
def test_a_value_out_of_range_is_refused(choices):
    with pytest.raises(ConfigurationError):
        TemporalOrder(**choices)
