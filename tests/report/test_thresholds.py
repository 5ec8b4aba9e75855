"""Tests of what thresholds would have clipped."""

import numpy as np
import pytest

from gradclip import GlobalNorm, replay
from gradclip.report.thresholds import thresholds


@pytest.mark.parametrize("spread", [0.01, 0.5, 3.0, 20.0])
def test_every_stop_says_what_a_replay_says(spread):
    norms = np.random.default_rng(0).lognormal(sigma=spread, size=120)
    norms[7], norms[8], norms[9] = np.nan, np.inf, 0.0
    found = thresholds(norms)
    assert 3 <= len(found.limits) <= 400
    for place in range(0, len(found.limits), 1 + len(found.limits) // 12):
        replayed = replay(norms, GlobalNorm(found.limits[place]))
        assert found.clipped[place] == replayed.clipped.sum()


def test_the_stops_reach_from_every_step_to_none():
    found = thresholds(np.array([0.5, 3.0, 40.0]))
    assert (found.clipped[0], found.clipped[-1]) == (3, 0)
    assert found.limits == sorted(set(found.limits))


def test_two_runs_share_their_stops():
    one = set(thresholds(np.array([1.0, 30.0])).limits)
    other = set(thresholds(np.array([5.0, 90.0])).limits)
    assert {limit for limit in one if 5 <= limit <= 30} == {
        limit for limit in other if 5 <= limit <= 30
    }


def test_what_is_suggested_clips_one_step_in_a_hundred_at_most():
    found = thresholds(np.append(np.ones(199), 50.0))
    assert found.clipped[found.limits.index(found.suggested)] == 1
    assert 1.0 <= found.suggested < 1.05


def test_norms_that_span_all_that_a_float_can_hold_have_stops():
    found = thresholds(np.array([5e-324, 1.0, 1.7e308]))
    assert len(found.limits) <= 1300
    assert np.isfinite(found.limits).all()


def test_the_limit_in_force_is_a_stop_wherever_it_lies():
    norms = np.array([1.0, 1.2345, 3.0])
    found = thresholds(norms, 1.2345)
    assert found.clipped[found.limits.index(1.2345)] == 1
    assert thresholds(norms, 0.01).clipped[0] == 3
    assert thresholds(norms, 50.0).clipped[-1] == 0


def test_no_positive_norm_has_no_stop():
    assert thresholds(np.array([0.0, np.nan])).limits == []
    assert thresholds(np.array([])).suggested is None
