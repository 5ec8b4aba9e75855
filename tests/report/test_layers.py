"""Tests of the parameters' figures."""

import math

import numpy as np
from tests.report.conftest import facts_of

from gradclip.report.facts import gather
from gradclip.report.layers import layer_figures


def test_a_row_has_the_ends_and_the_extremes(facts):
    row = layer_figures(facts)[0]
    assert row[:6] == ("w1", (4, 4), 40.0, 1.0, 1.0, 40.0)
    assert math.isnan(row.update_ratio)


def test_zeros_and_what_is_not_finite_are_counted(broken_run):
    first, second = layer_figures(gather("broken", broken_run))
    assert (first.zeros, first.non_finite, first.greatest) == (1, 2, 1.0)
    assert (second.zeros, second.non_finite) == (0, 0)


def test_the_update_s_ratio_is_the_median(measured_run):
    (row,) = layer_figures(gather("run", measured_run))
    assert row.update_ratio == 0.002


def test_a_weight_of_norm_zero_has_no_ratio(tmp_path):
    facts = facts_of(
        tmp_path / "run",
        np.ones((3, 2)),
        weight_norms=lambda step: (0.0, float(step)),
        update_norms=(1.0, 1.0),
    )
    first, second = layer_figures(facts)
    assert math.isnan(first.update_ratio)
    assert second.update_ratio == 0.75  # of 1 and 1/2


def test_a_run_without_steps_has_rows(empty_run):
    rows = layer_figures(gather("empty", empty_run))
    assert [row.name for row in rows] == ["w1", "w2"]
    assert all(math.isnan(row.greatest) for row in rows)
