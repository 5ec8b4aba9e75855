"""Tests of the course of one layer."""

import numpy as np
import pytest
from tests.dashboard.conftest import Training, train

import gradclip
from gradclip.dashboard.curve import layer_curve
from gradclip.errors import ConfigurationError


def test_the_points_are_the_run_s(tmp_path):
    train(tmp_path / "mine", steps=40)
    run, reader = gradclip.read_run(tmp_path / "mine"), gradclip.open_run(tmp_path / "mine")
    found = layer_curve(reader, 2, 10)
    norms = run.norms_before[:, 2].reshape(10, 4)
    assert (found["name"], found["steps"], found["lastStep"]) == ("w2", list(range(0, 40, 4)), 39)
    np.testing.assert_allclose(found["low"], norms.min(1), rtol=1e-3)
    np.testing.assert_allclose(found["high"], norms.max(1), rtol=1e-3)
    np.testing.assert_allclose(found["mean"], norms.mean(1), rtol=1e-3)
    np.testing.assert_allclose(
        found["after"], run.norms_after[:, 2].reshape(10, 4).mean(1), rtol=1e-3
    )


def test_a_run_without_steps_has_no_points(tmp_path):
    training = Training(tmp_path / "mine")
    assert layer_curve(gradclip.open_run(tmp_path / "mine"), 0, 10) == {"name": "w1", "steps": []}
    training.end()


def test_a_layer_that_is_not_there_is_refused(tmp_path):
    train(tmp_path / "mine", steps=1)
    with pytest.raises(ConfigurationError, match="`place` must be less than the number of layers"):
        layer_curve(gradclip.open_run(tmp_path / "mine"), 4, 10)
