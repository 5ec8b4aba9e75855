"""The experiment's clipping."""

import math

import numpy as np
import pytest

from gradclip.experiments.clipping import Clipping
from gradclip.experiments.experiment import Experiment
from gradclip.numpy.namespace import NumpyNamespace

WEIGHTS = [np.ones(1)] * 4


def clip(gradient, **choices):
    experiment = Experiment(hidden=(1,), **choices)
    clipping = Clipping(experiment, NumpyNamespace(), native=lambda g: [x / 2 for x in g])
    gradients = [np.array([gradient])] * 4
    return clipping(gradients, WEIGHTS, clipping.init(WEIGHTS))


def test_gradclip_clips_by_the_policy():
    clipped = clip(3.0, clip="global-norm=3")
    assert clipped.norms_before.tolist() == [3.0] * 4
    assert clipped.norms_after.tolist() == [1.5] * 4
    assert (clipped.limit, clipped.skipped) == (3.0, False)


def test_non_finite_gradients_drop_the_step_where_gradclip_clips():
    clipped = clip(math.nan)
    assert clipped.skipped
    assert clipped.norms_after.tolist() == [0.0] * 4


@pytest.mark.parametrize("choices", [{"clip": "none"}, {"clipper": "native"}])
def test_non_finite_gradients_take_their_course_elsewhere(choices):
    clipped = clip(math.nan, **choices)
    assert not clipped.skipped
    assert np.isnan(clipped.gradients).all()


def test_the_frameworks_own_function_is_measured_too():
    clipped = clip(3.0, clipper="native", clip="global-norm=7")
    assert clipped.norms_after.tolist() == [1.5] * 4
    assert clipped.limit == 7.0
