"""Tests of what a step measured."""

import math

import pytest

from gradclip.experiments.model import StepMeasure

NAN, INF = math.nan, math.inf


def measure(norms, limit=INF, skipped=0.0):
    return StepMeasure.from_values([2.5, 0.5, limit, skipped, *norms])


def test_values_are_sorted_and_combined():
    result = measure([3.0, 4.0, 0.6, 0.8])
    assert (result.loss, result.accuracy, result.skipped) == (2.5, 0.5, False)
    assert (result.norms_before, result.norms_after) == ((3.0, 4.0), (0.6, 0.8))
    assert (result.global_norm_before, result.global_norm_after) == (5.0, 1.0)
    assert result.scale == 0.2


def test_unchanged_gradients_have_a_scale_of_exactly_one():
    assert measure([0.1, 0.2, 0.1, 0.2]).scale == 1.0


def test_zero_gradients_have_a_scale_of_one():
    assert measure([0.0, 0.0, 0.0, 0.0]).scale == 1.0


def test_norms_whose_squares_overflow_combine():
    assert measure([3e200, 4e200, 3.0, 4.0]).global_norm_before == pytest.approx(5e200)


def test_a_step_is_dropped_if_the_policy_says_so():
    assert measure([NAN, 1.0, 0.0, 0.0], skipped=1.0).skipped
    assert not measure([INF, 1.0, NAN, NAN]).skipped


@pytest.mark.parametrize(("limit", "recorded"), [(15.0, 15.0), (INF, None), (NAN, None)])
def test_a_limit_is_recorded_where_there_is_one(limit, recorded):
    assert measure([3.0, 4.0, 3.0, 4.0], limit=limit).limit == recorded


def test_a_nan_beside_an_infinity_makes_the_global_norm_nan():
    assert math.isnan(measure([INF, NAN, 1.0, 1.0]).global_norm_before)
