"""Tests of the figures that sum a run up."""

import math

import numpy as np
import pytest
from tests.report.conftest import write_run

from gradclip.report.figures import clipped_steps, figures


def test_only_the_step_above_the_limit_counts_as_clipped(run):
    assert clipped_steps(run).tolist() == [True, False, False, False]
    assert figures(run).clipped == 1


def test_the_peak_and_the_ends_are_found(run):
    summary = figures(run)
    assert summary.peak == pytest.approx(math.sqrt(2502.0))
    assert summary.peak_step == 0
    assert summary.start_norm == summary.peak
    assert summary.end_norm == pytest.approx(math.sqrt(5.02))


def test_the_first_weight_is_held_against_the_last(run):
    layers = figures(run).layers
    assert (layers.first, layers.last) == ("w1", "w2")
    assert layers.ratios == (pytest.approx(40 / 30), 0.5)


def test_the_test_accuracy_comes_from_the_summary(run, broken_run):
    assert figures(run).test_accuracy == 0.9312
    assert figures(broken_run).test_accuracy is None


def test_broken_steps_are_counted_and_never_the_peak(broken_run):
    summary = figures(broken_run)
    assert summary.non_finite == 2
    assert summary.peak == pytest.approx(math.sqrt(2))


def test_a_run_that_was_never_finite_has_no_peak(tmp_path):
    assert figures(write_run(tmp_path / "run", [[np.inf], [np.nan]])).peak_step is None


def test_a_run_without_steps_has_figures(empty_run):
    summary = figures(empty_run)
    assert summary.num_steps == 0
    assert math.isnan(summary.peak)
    assert summary.layers is None
