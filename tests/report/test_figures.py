"""Tests of the figures that sum a run up."""

import math

import numpy as np
import pytest
from tests.report.conftest import facts_of

from gradclip.record import open_run
from gradclip.report.facts import clipped_steps, gather
from gradclip.report.figures import figures


def test_only_the_step_above_the_limit_counts_as_clipped(facts):
    assert clipped_steps(facts.numbers).tolist() == [True, False, False, False]
    assert figures(facts).clipped == 1


def test_the_peak_and_the_ends_are_found(facts):
    summary = figures(facts)
    assert summary.peak == pytest.approx(math.sqrt(2502.0))
    assert summary.peak_step == 0
    assert summary.start_norm == summary.peak
    assert summary.end_norm == pytest.approx(math.sqrt(5.02))


def test_the_first_weight_is_held_against_the_last(facts):
    layers = figures(facts).layers
    assert (layers.first, layers.last) == ("w1", "w2")
    assert layers.ratios == (pytest.approx(40 / 30), 0.5)


def test_the_test_accuracy_comes_from_the_summary(facts, broken_run):
    assert figures(facts).test_accuracy == 0.9312
    assert figures(gather("broken", broken_run)).test_accuracy is None


def test_broken_steps_are_counted_and_never_the_peak(broken_run):
    summary = figures(gather("broken", broken_run))
    assert (summary.non_finite, summary.first_non_finite) == (2, 1)
    assert summary.peak == pytest.approx(math.sqrt(2))


def test_a_run_that_was_never_finite_has_no_peak(tmp_path):
    assert figures(facts_of(tmp_path / "run", [[np.inf], [np.nan]])).peak_step is None


def test_a_run_without_steps_has_figures(empty_run):
    summary = figures(gather("empty", empty_run))
    assert summary.num_steps == 0
    assert math.isnan(summary.peak)
    assert summary.layers is None


def test_lost_steps_and_damaged_records_are_counted(tmp_path):
    facts_of(tmp_path / "run", [[1.0]] * 3, lost=lambda step: 4 * (step == 1))
    for name in ("steps", "tensors"):
        path = tmp_path / "run" / f"{name}-0000-rank0.records"
        data = bytearray(path.read_bytes())
        data[-1 if name == "steps" else -60] ^= 1
        path.write_bytes(data)
    summary = figures(gather("run", open_run(tmp_path / "run")))
    assert (summary.lost, summary.damaged, summary.num_steps) == (4, 2, 2)
