"""Gradients of exactly 0 teach an adaptive policy nothing."""

import numpy as np
import pytest

import gradclip.numpy

ADAPTIVE = [
    gradclip.AutoClip(),
    gradclip.ZClip(),
    gradclip.AdaGC(),
    gradclip.SPAM(),
    gradclip.Clip(limit=gradclip.Percentile(), granularity="tensor"),
    gradclip.Clip(limit=gradclip.ZScore(), granularity="tensor"),
    gradclip.Clip(limit=gradclip.RunningMean(start="mean"), granularity="layer"),
]


def scales(policy, norms):
    clipper = gradclip.numpy.Clipper(policy)
    found = []
    for norm in norms:
        clipper([np.array([norm, 0.0])])
        found.append(float(clipper.report.scale))
    return found


@pytest.mark.parametrize("policy", ADAPTIVE, ids=str)
@pytest.mark.parametrize("zeros", [1, 30, 1000])
def test_a_layer_that_wakes_up_late_may_learn_at_once(policy, zeros):
    assert scales(policy, [0.0] * zeros + [1.0]) == [1.0] * (zeros + 1)


@pytest.mark.parametrize("policy", ADAPTIVE[:3], ids=str)
def test_decisions_are_those_without_the_zeros_between(policy):
    norms = np.exp(np.random.default_rng(0).normal(0.0, 0.3, 300))
    mixed = [x for norm in norms for x in (0.0, norm)]
    warm = 150  # AdaGC's warm-up counts optimizer steps, and a step of zeros is one
    assert scales(policy, mixed)[2 * warm + 1 :: 2] == scales(policy, norms)[warm:]
