"""Tests of the summary in words."""

import numpy as np
from tests.report.conftest import facts_of

from gradclip.report.facts import gather
from gradclip.report.story import story


def told(tmp_path, norms, **options):
    return " ".join(story(facts_of(tmp_path / "run", norms, **options)))


def test_a_run_is_told_from_its_loss_to_its_layers(facts):
    assert story(facts) == [
        "4 steps with PyTorch in 0.04 s.",
        "The loss went from 2 to 0.5.",
        "On test data 93.1 % are right.",
        "The global norm was 4.31 in the median; the largest was 50, at step 0.",
        "Clipping by global-norm=15 acted on 1 of 4 steps (25 %).",
        "At the first step the gradient of w1, next to the input, was 1.33 times larger than that "
        "of w2, next to the output; at the last step it was 2 times smaller than it. "
        "Both ends learn at much the same pace.",
    ]


def test_a_vanishing_gradient_is_called_by_its_name(tmp_path):
    text = told(tmp_path, [[1e-6, 1.0], [1e-9, 1.0]], names=["w1", "w2"])
    assert "was 1e6 times smaller than that of w2" in text
    assert "at the last step it was 1e9 times smaller than it. The gap grew." in text
    assert "That is a vanishing gradient: w1 learns next to nothing." in text


def test_a_gap_that_shrinks_or_stays_is_told(tmp_path):
    assert "The gap shrank." in told(tmp_path / "a", [[0.01, 1], [0.5, 1]], names=["w1", "w2"])
    assert "The gap stayed." in told(tmp_path / "b", [[0.01, 1], [0.011, 1]], names=["w1", "w2"])


def test_a_gradient_that_explodes_on_its_way_back_is_told(tmp_path):
    text = told(tmp_path, [[1e5, 1.0]], names=["w1", "w2"])
    assert "explodes on its way back to w1" in text


def test_clipping_that_never_acted_and_none_at_all_are_told_apart(tmp_path):
    assert "Clipping by global-norm=15 never acted." in told(tmp_path / "a", [[1.0]])
    assert "Nothing was clipped." in told(tmp_path / "b", [[1.0]], limit=None)


def test_broken_and_skipped_steps_are_told(tmp_path):
    norms = np.array([[1.0], [np.nan], [np.inf]])
    text = told(tmp_path, norms, skipped=lambda step: step > 0)
    assert "NaN or infinite on 2 of 3 steps (66.7 %), first at step 1." in text
    assert "2 steps were skipped." in text


def test_the_largest_spike_is_told(tmp_path):
    norms = np.ones((40, 1))
    norms[33] = 12.0
    text = told(tmp_path, norms)
    assert "The largest spike is at step 33: 12, 12 times the norm of the steps right" in text


def test_parameters_without_any_gradient_are_named(tmp_path):
    text = told(tmp_path, [[1.0, 0.0], [1.0, 0.0]], names=["w1", "w2"])
    assert "1 parameter has a gradient of exactly 0 at every step: w2." in text


def test_updates_are_told_beside_the_weights(measured_run):
    text = " ".join(story(gather("run", measured_run)))
    assert "A step changed a parameter by 0.002 of its norm in the median" in text


def test_what_could_not_be_recorded_is_told(tmp_path):
    assert "1 step could not be recorded." in told(tmp_path, [[1.0]], lost=1)


def test_how_a_run_ended_is_told(tmp_path, empty_run):
    assert "1 step with PyTorch in 0.01 s, then it was interrupted." in told(
        tmp_path / "a", [[1.0]], status="interrupted"
    )
    assert story(gather("empty", empty_run)) == [
        "No step was recorded; the run is interrupted.",
    ]


def test_norms_that_were_never_finite_are_told(tmp_path):
    assert "No global norm was finite." in told(tmp_path, [[np.nan]])
