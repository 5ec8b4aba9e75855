"""Tests of the facts that are unusual."""

import numpy as np
from tests.watch.conftest import layers, numbers

from gradclip.watch.alarms import alarms


def texts(*given, of=None):
    return [alarm.text for alarm in alarms(*given, of)]


def test_a_run_that_goes_well_has_none():
    assert alarms(numbers(np.linspace(1, 2, 200)), layers([1.0, 2.0])) == ()


def test_a_run_without_a_step_has_none():
    assert alarms(numbers([]), None) == ()


def test_the_step_whose_gradients_are_not_finite_is_named():
    assert texts(numbers([1, np.nan, 1])) == ["Gradients were not finite in step 1."]


def test_of_several_such_steps_the_last_is_named():
    expected = "Gradients were not finite in 2 steps, the last was step 3."
    assert texts(numbers([1, np.nan, 1, np.inf, 1])) == [expected]


def test_a_loss_that_becomes_nan_for_good_is_told():
    given = numbers([1, 1, 1], loss=np.array([1.0, np.nan, np.nan]))
    assert texts(given) == ["The loss is not finite since step 1."]


def test_a_loss_that_is_noted_now_and_then_is_no_alarm():
    assert texts(numbers([1, 1, 1], loss=np.array([1.0, np.nan, 1.0]))) == []


def test_a_loss_that_was_never_noted_is_no_alarm():
    assert texts(numbers([1, 1, 1], loss=np.full(3, np.nan))) == []


def test_an_infinite_loss_is_told():
    given = numbers([1, 1, 1], loss=np.array([1.0, np.inf, 1.0]))
    assert texts(given) == ["The loss was infinite in step 1."]


def test_lost_steps_and_damaged_records_are_counted():
    given = numbers([1, 1], lost=np.array([0, 17]), damaged=1)
    assert texts(given) == ["17 steps could not be recorded.", "1 record on the disk is damaged."]


def test_steps_skipped_at_the_end_are_counted():
    skipped = np.array([True, False, True, True])
    assert texts(numbers([1] * 4, skipped=skipped)) == ["The last 2 steps were skipped."]


def test_one_skipped_step_is_no_alarm():
    assert texts(numbers([1] * 3, skipped=np.array([False, False, True]))) == []


def test_a_norm_far_over_the_median_is_told():
    norms = [1.0] * 99 + [34.0]
    expected = "The norm of step 99 was 34 times the median of the last 100."
    assert texts(numbers(norms)) == [expected]


def test_a_norm_ten_times_the_median_is_no_alarm():
    assert texts(numbers([1.0] * 99 + [10.0])) == []


def test_a_spike_more_than_a_hundred_steps_ago_is_past():
    assert texts(numbers([34.0] + [1.0] * 100)) == []


def test_norms_that_are_all_zero_have_no_outlier():
    assert texts(numbers([0.0] * 50)) == []


def test_that_every_step_is_clipped_is_told():
    assert texts(numbers([1.0] * 120, scale=np.full(120, 0.5))) == [
        "Every one of the last 100 steps was clipped."
    ]


def test_few_steps_all_clipped_are_no_alarm():
    assert texts(numbers([1.0] * 9, scale=np.full(9, 0.5))) == []


def test_layers_without_a_gradient_are_named():
    assert texts(numbers([1]), of=layers([1, 0], names=["w", "b"])) == [
        "The gradient of b is 0 in step 7."
    ]


def test_of_many_such_layers_three_are_named():
    assert texts(numbers([1]), of=layers(np.zeros(2000))) == [
        "The gradients of layer0, layer1, layer2 and 1,997 more are 0 in step 7."
    ]


def test_serious_facts_come_first():
    given = numbers([1.0] * 99 + [np.nan], scale=np.full(100, 0.5))
    assert [alarm.serious for alarm in alarms(given, None)] == [True, False]
