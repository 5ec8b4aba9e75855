"""Tests of numbers as people read them."""

import math

import pytest

from gradclip.report.wording import duration, number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (58.234, "58.2"),
        (999.6, "1000"),
        (1000.4, "1000"),
        (99999.0, "99999"),
        (100000.0, "1e5"),
        (0.001, "0.001"),
        (0.00099, "9.9e-4"),
        (-2.5, "-2.5"),
        (3.4e38, "3.4e38"),
        (5e-324, "4.94e-324"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_a_percentage_is_never_a_false_zero_or_hundred():
    assert percent(1 / 100_000) == "0.001 %"
    assert percent(1 - 1 / 100_000) == "99.999 %"


def test_an_unknown_percentage_says_so():
    assert percent(math.nan) == "unknown"


def test_a_duration_carries_into_minutes():
    assert duration(119.7) == "2 min 0 s"
