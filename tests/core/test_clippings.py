"""Clippings by name."""

import numpy as np
import pytest

import gradclip.numpy
from gradclip.core.clippings import CLIPPINGS, parse_clipping
from gradclip.errors import ConfigurationError
from gradclip.numpy.functional import functions

GRADIENTS = [np.array([3.0, 4.0]), None, np.array([12.0])]
WEIGHTS = [np.array([6.0, 8.0]), np.zeros(1), np.array([1.0])]
# With a threshold of 1, what comes out of GRADIENTS.
CLIPPED = {
    "global-norm": [[3 / 13, 4 / 13], [12 / 13]],
    "norm": [[0.6, 0.8], [1.0]],
    "average-norm": [[1.2, 1.6], [1.0]],
    "block-rms": [[0.6 * 2**0.5, 0.8 * 2**0.5], [1.0]],
    "value": [[1.0, 1.0], [1.0]],
    "agc": [[3.0, 4.0], [1.0]],
}


@pytest.mark.parametrize("name", list(CLIPPINGS))
def test_each_name_clips_as_its_function_does(name):
    clipped = parse_clipping(f"{name}=1")(functions, GRADIENTS, WEIGHTS)
    assert clipped[1] is None
    assert np.allclose(clipped[0], CLIPPED[name][0])
    assert np.allclose(clipped[2], CLIPPED[name][1])


@pytest.mark.parametrize("text", ["global-norm", "global-norm=", "l2=1", ""])
def test_an_unknown_name_is_answered_with_the_choices(text):
    with pytest.raises(ConfigurationError, match=r"must be one of global-norm=THRESHOLD, norm="):
        parse_clipping(text)


@pytest.mark.parametrize("text", ["norm=x", "norm=-1", "norm=nan"])
def test_a_threshold_that_is_none_is_refused(text):
    with pytest.raises(ConfigurationError, match="threshold of 'norm' must be"):
        parse_clipping(text)


def test_none_means_no_clipping():
    assert parse_clipping("none") is None
    assert parse_clipping(None) is None


def test_the_numpy_room_names_the_functions():
    assert gradclip.numpy.clip_by_norm == functions.clip_by_norm
