"""Tests of rates."""

import numpy as np
from tests.watch.conftest import numbers

from gradclip.watch.rates import rates


def test_clipping_is_counted_over_all_steps_and_over_the_last_hundred():
    scale = np.ones(200)
    scale[:50], scale[190:] = 0.5, 0.5
    found = rates(numbers(np.ones(200), scale=scale))
    assert (found.clipped, found.clipped_recently, found.recent) == (0.3, 0.1, 100)


def test_a_skipped_step_is_not_a_clipped_one():
    given = numbers([1, 1], scale=np.array([0.0, 1.0]), skipped=np.array([True, False]))
    found = rates(given)
    assert (found.clipped, found.skipped) == (0.0, 1)


def test_speed_ignores_where_the_clock_began_anew():
    found = rates(numbers(np.ones(4), time=np.array([10.0, 10.5, 0.0, 0.5])))
    assert found.steps_per_second == 2.0


def test_nothing_is_known_of_no_step():
    found = rates(numbers([]))
    assert np.isnan([found.clipped, found.clipped_recently, found.steps_per_second]).all()
