"""Tests of the curves."""

import numpy as np
import pytest
from tests.watch.conftest import numbers

from gradclip.watch.axis import axis_of
from gradclip.watch.chart import Curve, Size, chart, thinned


def lines(values, *, width=30, height=8, plain=True):
    given = numbers(np.ones(len(values)), loss=np.asarray(values, dtype=float))
    curves = [Curve(column="loss", style="green", marked=True, band="green dim", sparse=True)]
    size = Size(width=width, height=height, plain=plain)
    return chart(thinned(given, ["loss"], 2048), curves, size).plain.split("\n")


@pytest.mark.parametrize("count", [0, 1, 2, 5, 300, 5000])
@pytest.mark.parametrize("plain", [True, False])
def test_a_chart_is_exactly_as_large_as_it_should_be(count, plain):
    found = lines(np.arange(count), plain=plain)
    assert len(found) == 8
    assert all(len(line) <= 30 for line in found)


def test_a_line_rises_from_one_corner_to_the_other():
    found = lines(range(23))
    assert found[0].endswith("*")
    assert found[6].partition("|")[2].startswith("*")


@pytest.mark.parametrize("place", [0, 333, 4999])
def test_one_spike_among_thousands_is_seen(place):
    values = np.ones(5000)
    values[place] = 2.0
    top = lines(values)[0].partition("|")[2]
    assert len(top.strip()) == 1
    assert top.index(top.strip()) == place * len(top) // 5000


def test_decades_make_the_axis_logarithmic():
    found = "\n".join(lines(10.0 ** np.linspace(-3, 3, 50)))
    assert [label in found for label in ("100", "0.01")] == [True, True]
    assert axis_of(np.array([0.0, 1e-3, 1.0])).logarithmic
    assert not axis_of(np.array([-1.0, 1e-3, 1.0])).logarithmic


def test_zero_is_at_the_lower_end_of_a_logarithmic_axis():
    assert axis_of(np.array([1e-3, 1.0])).heights(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_what_is_not_finite_is_marked_at_the_top():
    values = np.ones(26)
    values[[5, 9]] = np.nan, np.inf
    top = lines(values)[0].partition("|")[2]
    assert len(top) == 26
    assert [i for i, mark in enumerate(top) if mark == "x"] == [5, 9]


def test_values_that_nobody_noted_are_no_marks():
    assert "x" not in lines(np.full(23, np.nan))[0]


def test_a_finite_value_between_others_that_are_not_is_drawn():
    values = np.full(23, np.nan)
    values[[3, 20]] = 1.0, 2.0
    assert sum(line.count("*") for line in lines(values)) == 2


@pytest.mark.parametrize("value", [0.0, -3.0, 1e300, 5e-324])
def test_a_constant_is_a_straight_line(value):
    found = [line.partition("|")[2] for line in lines(np.full(50, value))]
    assert [set(line) for line in found if line.strip()] == [{"*"}]


def test_numbers_below_are_the_first_and_the_last_step():
    assert lines(range(1235))[-1] == "   +0" + "1,234".rjust(25)
