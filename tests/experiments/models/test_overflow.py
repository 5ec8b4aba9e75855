"""Tests of gradients whose squares overflow float32: the frameworks' own clipping, and ours."""

import math

import numpy as np
import pytest

from gradclip.experiments import Experiment, Training

OVERFLOWING = 1e-10  # an input scale: gray levels of 1e12
ROOT = 1.85e19  # of the largest float32: the square of what lies above is infinite
NATIVE = {"torch": 0.0, "jax": 0.0, "tensorflow": math.nan, "keras": math.nan}


def train(framework, data, clipper):
    choices = {"framework": framework, "clipper": clipper, "input_scale": OVERFLOWING}
    training = Training(Experiment(hidden=(16, 8), steps=5, **choices), data)
    before = training.model.weights()
    return list(training.steps()), before, training.model.weights()


def test_ours_goes_on_where_squares_overflow(framework, small_data):
    records, before, after = train(framework, small_data, "gradclip")
    assert records[0].global_norm_before > 1000 * ROOT
    for record in records:
        assert not record.skipped
        assert record.global_norm_after == pytest.approx(15, rel=1e-6)
    assert all(np.isfinite(weight).all() for weight in after)
    assert (before[0] != after[0]).any()
    assert records[-1].loss < records[0].loss


def test_the_native_clipping_stops_or_destroys_training(framework, small_data):
    if framework == "numpy":
        pytest.skip("NumPy has no clipping of its own.")
    records, before, after = train(framework, small_data, "native")
    assert records[0].norms_before[0] > 1000 * ROOT
    assert records[0].global_norm_after == pytest.approx(NATIVE[framework], nan_ok=True)
    if NATIVE[framework] == 0.0:
        np.testing.assert_array_equal(before[0], after[0])  # nothing is learnt
    else:
        assert np.isnan(after[0]).any()
