"""Numbers that change with the steps."""

import math

import pytest

from gradclip import Schedule
from gradclip.errors import ConfigurationError


@pytest.mark.parametrize(
    ("step", "straight", "stepwise"),
    [(0, 8.0, 8.0), (2, 8.0, 8.0), (3, 6.0, 8.0), (4, 4.0, 4.0), (6, 2.5, 4.0), (8, 1.0, 1.0)],
)
def test_a_schedule_follows_its_points(step, straight, stepwise):
    points = {2: 8.0, 4: 4.0, 8: 1.0}
    assert Schedule(points)(step) == straight
    assert Schedule(points, linear=False)(step) == stepwise


def test_a_schedule_ends_at_its_last_point():
    assert Schedule({0: 8.0, 4: 4.0})(1000) == 4.0
    assert Schedule({5: 8.0})(0) == 8.0


def test_a_stepwise_schedule_may_begin_without_limit():
    schedule = Schedule({0: math.inf, 10: 1.0}, linear=False)
    assert (schedule(9), schedule(10)) == (math.inf, 1.0)


@pytest.mark.parametrize(
    "points",
    [
        {},
        {-1: 1.0},
        {0: -1.0},
        {0: math.nan},
        {0: math.inf, 5: 1.0},
        3,
        "abc",
        [(0, 1.0), (0, 2.0)],
    ],
)
def test_what_is_no_schedule_is_refused(points):
    with pytest.raises(ConfigurationError):
        Schedule(points)
