"""Tests of what a whole training shows."""

import json

import pytest

from gradclip.experiments.observation import Observation
from gradclip.record import Parameter, StepRecord
from gradclip.record.encoding import to_line

PARAMETERS = (Parameter("w1", (2, 2)), Parameter("b1", (2,)), Parameter("w2", (2, 1)))


def record(step, norms, **changes):
    fields = {
        "step": step,
        "time": 0.5 * (step + 1),
        "loss": 2.0 - step,
        "global_norm_before": 5.0,
        "global_norm_after": 5.0,
        "scale": 1.0,
        "norms_before": norms,
        "norms_after": norms,
    }
    return StepRecord(**(fields | changes))


def observe(*records):
    observation = Observation(PARAMETERS)
    for each in records:
        observation.add(each)
    return observation.summary()


def test_there_is_nothing_to_say_before_the_first_step():
    assert observe() == {}


def test_first_and_last_weights_are_compared_at_the_start_and_at_the_end():
    summary = observe(record(0, (3.0, 9.0, 4.0)), record(1, (1.0, 9.0, 4.0)))
    assert (summary["first_weight"], summary["last_weight"]) == ("w1", "w2")
    assert (summary["first_norm_start"], summary["last_norm_start"]) == (3.0, 4.0)
    assert (summary["first_to_last_start"], summary["first_to_last_end"]) == (0.75, 0.25)
    assert (summary["loss_start"], summary["loss_end"]) == (2.0, 1.0)


def test_clipped_and_skipped_steps_are_counted_apart():
    norms = (1.0, 1.0, 1.0)
    summary = observe(
        record(0, norms),
        record(1, norms, scale=0.5),
        record(2, norms, scale=0.0, skipped=True),
        record(3, norms, scale=0.9),
    )
    assert (summary["steps"], summary["clipped_share"], summary["skipped_steps"]) == (4, 0.5, 1)
    assert (summary["seconds"], summary["steps_per_second"]) == (2.0, 2.0)


def test_steps_that_nothing_clipped_but_that_diverged_are_not_counted_as_clipped():
    nan = float("nan")
    summary = observe(record(0, (nan, nan, nan), scale=nan))
    assert summary["clipped_share"] == 0.0


def test_a_last_norm_of_zero_gives_no_ratio():
    assert observe(record(0, (1.0, 1.0, 0.0)))["first_to_last_start"] is None


@pytest.mark.parametrize("norm", [float("nan"), float("inf")])
def test_the_summary_of_an_exploded_run_can_be_written(norm):
    assert json.loads(to_line(observe(record(0, (norm, 1.0, norm)))))["steps"] == 1
