"""What a report says when it is printed."""

import numpy as np
import pytest

import gradclip


@pytest.mark.parametrize(
    "policy",
    [
        gradclip.AdaptiveGradientClipping(0.1),
        gradclip.PerGroup({"0": gradclip.Norm(1.0), "*": gradclip.Norm(2.0)}),
    ],
)
def test_several_limits_are_said_to_be_several(policy):
    clipper = gradclip.numpy.Clipper(policy)
    clipper([np.ones((2, 2))] * 2, [np.ones((2, 2))] * 2)
    assert ", limit several, scale " in str(clipper.report)


def test_no_limit_is_said_to_be_infinite():
    clipper = gradclip.numpy.Clipper(None)
    clipper([np.ones(2)])
    assert ", limit inf, scale 1" in str(clipper.report)
