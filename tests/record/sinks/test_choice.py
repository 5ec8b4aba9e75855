"""Tests of what sinks are told."""

import math

import numpy as np
import pytest

from gradclip.errors import ConfigurationError
from gradclip.record import StepRecord
from gradclip.record.sinks.choice import Choice, Window, tell


def record(step=0, **changes):
    fields = {
        "step": step,
        "time": 0.5,
        "loss": 2.5,
        "global_norm_before": 5.0,
        "global_norm_after": 1.0,
        "limit": 1.0,
        "scale": 0.2,
        "norms_before": (3.0, 4.0, 0.0),
        "norms_after": (0.6, 0.8, 0.0),
    }
    return StepRecord(**(fields | changes))


def told(step_record, **options):
    window = Window().with_step(step_record)
    return tell(step_record, window, ["a", "b", "c"], options.get("layers", 10))


def test_every_norm_says_whether_it_is_before_or_after():
    found = told(record(learning_rate=0.1, largest=(1, 2, 0), nonfinite=(0, 3, 1)))
    assert found.flat() == {
        "gradclip/global_norm_before": 5.0,
        "gradclip/global_norm_after": 1.0,
        "gradclip/highest_global_norm_before": 5.0,
        "gradclip/limit": 1.0,
        "gradclip/scale": 0.2,
        "gradclip/clipped_share": 1.0,
        "gradclip/skipped": 0,
        "gradclip/loss": 2.5,
        "gradclip/learning_rate": 0.1,
        "gradclip/largest_gradient": 2.0,
        "gradclip/nonfinite_entries": 4,
        "gradclip/layers_before/b": 4.0,
        "gradclip/layers_before/a": 3.0,
        "gradclip/layers_before/c": 0.0,
        "gradclip/layers_after/b": 0.8,
        "gradclip/layers_after/a": 0.6,
        "gradclip/layers_after/c": 0.0,
    }


def test_what_is_unknown_is_left_out():
    names = told(record(loss=None, limit=None)).numbers.keys()
    assert names.isdisjoint({"loss", "limit", "accuracy", "learning_rate", "nonfinite_entries"})
    assert "limit" not in told(record(limit=math.inf)).numbers


@pytest.mark.parametrize(("layers", "names"), [(1, ["b"]), (0, []), (None, ["b", "a", "c"])])
def test_the_largest_layers_are_chosen(layers, names):
    assert list(told(record(), layers=layers).layers_before) == names


def test_a_norm_that_is_not_finite_comes_first():
    found = told(record(norms_before=(3.0, 1.0, math.nan)), layers=1)
    assert list(found.layers_before) == ["c"]


def test_shares_and_counts_are_of_the_steps_since_the_last_report():
    choice = Choice(every=4, layers=0)
    steps = [record(i, scale=1.0 if i % 2 else 0.5, nonfinite=(i, 0, 0)) for i in range(9)]
    steps[2] = record(2, skipped=True, scale=0.0, global_norm_before=math.nan, nonfinite=(2, 0, 0))
    found = [*choice.of(steps[:3]), *choice.of(steps[3:])]
    assert [t.step for t in found] == [0, 4, 8]
    assert [t.numbers["clipped_share"] for t in found] == [1.0, 0.25, 0.5]
    assert [t.numbers["skipped"] for t in found] == [0, 1, 0]
    assert [t.numbers["nonfinite_entries"] for t in found] == [0, 10, 26]


def test_no_spike_between_two_reports_is_missed():
    norms = [1.0, 9.0, 2.0, 3.0, math.nan, 4.0, 1.0, math.inf, 5.0]
    choice = Choice(every=2, layers=0)
    found = choice.of([record(i, global_norm_before=norm) for i, norm in enumerate(norms)])
    highest = [t.numbers["highest_global_norm_before"] for t in found]
    np.testing.assert_array_equal(highest, [1.0, 9.0, math.nan, 4.0, math.inf])


def test_lost_steps_and_steps_back_do_not_keep_it_silent():
    choice = Choice(every=10, layers=0)
    found = choice.of([record(i) for i in (0, 7, 23, 24, 31, 12)])
    assert [t.step for t in found] == [0, 23, 31, 12]


def test_no_parameters_are_no_trouble():
    empty = np.zeros(0)
    step = record(norms_before=empty, norms_after=empty, largest=empty, nonfinite=empty)
    assert told(step).numbers["largest_gradient"] == 0.0


@pytest.mark.parametrize(("every", "layers"), [(0, 10), (1, -1)])
def test_numbers_out_of_range_are_refused(every, layers):
    with pytest.raises(ConfigurationError, match="every"):
        Choice(every, layers)
