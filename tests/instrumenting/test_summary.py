"""The closing summary's figures are those of the run."""

import math

import numpy as np
import pytest

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings
from gradclip.instrumenting.summary import summarize
from tests.instrumenting.sessions import filled


def test_norms_losses_and_sizes_are_read_of_the_run(tmp_path):
    steps = [{"before": [0, 0, n], "loss": 10.0 - n} for n in range(1, 6)]
    summary = summarize(filled(tmp_path / "run", steps))
    assert summary.num_steps == summary.num_recorded == 5
    assert (summary.before.median, summary.before.peak, summary.before.peak_step) == (3, 5, 4)
    assert summary.before.high == pytest.approx(4.96)
    assert summary.losses == (9, 5)
    assert summary.num_entries == 12
    assert (summary.status, summary.optimizer) == ("finished", "SGD")


def test_steps_on_which_the_clip_acted_are_counted_and_rounding_is_not(tmp_path):
    steps = [
        {"before": [4, 0, 0], "after": [1, 0, 0]},
        {"before": [2, 0, 0], "after": [1, 0, 0]},
        {"before": [1, 0, 0], "after": [1 - 1e-9, 0, 0]},
        {"before": [1, 0, 0]},
    ]
    summary = summarize(filled(tmp_path / "run", steps))
    assert (summary.clipped, summary.median_scale) == (2, 0.375)
    assert summary.after.peak == 1


def test_skipped_steps_are_counted_apart_and_are_not_clipped(tmp_path):
    steps = [{"before": [1, 0, 0]}, {"before": [math.inf, 0, 0], "skipped": True}]
    summary = summarize(filled(tmp_path / "run", steps))
    assert (summary.skipped, summary.non_finite, summary.clipped) == (1, 1, 0)
    assert summary.after.median == 1


def test_the_largest_layer_is_that_of_most_of_the_squared_norm_on_average(tmp_path):
    steps = [{"before": [3, 0, 4]}, {"before": [0, 0, 1]}, {"before": [1e30, 0, 0]}]
    name, part = summarize(filled(tmp_path / "run", steps)).largest
    assert (name, part) == ("w2", pytest.approx((0.64 + 1 + 0) / 3))


def test_tensors_that_are_never_finite_leave_the_others_their_means(tmp_path):
    steps = [{"before": [math.nan, 1, 2]}, {"before": [math.nan, 3, 2]}]
    summary = summarize(filled(tmp_path / "run", steps))
    np.testing.assert_array_equal(summary.norms, [math.nan, 2, 2])
    assert summary.largest is not None
    assert summary.before.peak_step is None


def test_a_loss_that_was_not_told_is_passed_over_but_a_broken_one_is_not(tmp_path):
    quiet = [{"before": [1, 0, 0], "loss": 2.0}, {"before": [1, 0, 0]}]
    assert summarize(filled(tmp_path / "quiet", quiet)).losses == (2, 2)
    broken = [{"before": [1, 0, 0], "loss": 2.0}, {"before": [math.nan, 0, 0], "loss": math.nan}]
    assert math.isnan(summarize(filled(tmp_path / "broken", broken)).losses[1])


def test_steps_that_are_not_recorded_count_as_steps(tmp_path):
    summary = summarize(filled(tmp_path / "run", [{"before": [1, 0, 0]}] * 10, every=4))
    assert (summary.num_steps, summary.num_recorded) == (10, 3)


def test_the_overhead_is_a_share_of_the_time_between_steps(tmp_path):
    assert 0 < summarize(filled(tmp_path / "run", [{"before": [1, 0, 0]}] * 50)).overhead <= 1
    alone = summarize(filled(tmp_path / "alone", [{"before": [1, 0, 0]}]))
    assert math.isnan(alone.overhead)


def test_of_several_runs_the_longest_counts(tmp_path):
    session = filled(tmp_path / "run", [{"before": [1, 0, 0]}] * 3)
    filled(tmp_path / "run", [{"before": [2, 0, 0]}] * 5)
    session.paths.append(tmp_path / "run-2")
    summary = summarize(session)
    assert (summary.path, summary.others) == (tmp_path / "run-2", (tmp_path / "run",))
    assert (summary.num_steps, summary.before.median) == (5, 2)


def test_without_a_step_there_is_no_summary(tmp_path):
    assert summarize(Session(Settings(out=str(tmp_path)))) is None
    assert summarize(filled(tmp_path / "run", [])) is None
