"""Thresholds from observed norms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradclip
from gradclip.errors import ConfigurationError


def test_a_rare_spike_is_what_is_clipped():
    suggestion = gradclip.suggest([1.0] * 99 + [80.0])
    assert (suggestion.max_norm, suggestion.share, suggestion.steps) == (1.0, 0.01, 100)
    assert suggestion.policy == gradclip.GlobalNorm(1.0)
    assert (suggestion.median, suggestion.largest) == (1.0, 80.0)
    assert str(suggestion).startswith("GlobalNorm(1) would have clipped 1 % of 100 steps")


def test_the_norms_of_parameters_are_joined():
    assert gradclip.suggest([[3.0, 4.0]], share=0.0).max_norm == 5.0


def test_norms_that_are_not_finite_are_left_out():
    assert gradclip.suggest([1.0, math.nan, math.inf], share=0.0).steps == 1


@given(
    norms=st.lists(st.floats(0, 1e30), min_size=1, max_size=50),
    share=st.floats(0, 1),
)
def test_the_suggestion_clips_no_more_than_it_may_and_says_how_much(norms, share):
    suggestion = gradclip.suggest(norms, share=share)
    clipped = gradclip.replay(norms, suggestion.policy).clipped
    assert suggestion.share <= share
    # The replay compares in float32's precision only where norms are float32; these are float64.
    assert np.mean(clipped) == suggestion.share


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan, True])
def test_a_share_is_a_share(share):
    with pytest.raises(ConfigurationError, match="must be a number in"):
        gradclip.suggest([1.0], share=share)


@pytest.mark.parametrize("norms", [[], [math.nan]])
def test_nothing_observed_suggests_nothing(norms):
    with pytest.raises(ConfigurationError, match="a step with a finite norm"):
        gradclip.suggest(norms)
