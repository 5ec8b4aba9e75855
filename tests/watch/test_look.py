"""Tests of looking at a run that grows."""

import dataclasses
import json

import numpy as np
from tests.record.test_jsonl import _DESCRIPTION, line
from tests.watch.conftest import WEIGHTS, record_steps

from gradclip.record import Recorder, open_run, read_run
from gradclip.watch.look import look


def test_what_is_new_is_put_behind_what_was_seen(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        record_steps(recorder, 3)
        recorder.flush()
        reader = open_run(tmp_path / "run")
        first = look(reader)
        record_steps(recorder, 40, factor=2.0)
        recorder.flush()
        reader.refresh()
        second = look(reader, first)
    whole = read_run(tmp_path / "run")
    assert len(first.numbers.steps) == 3
    for field in dataclasses.fields(second.numbers):
        expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(second.numbers, field.name), expected)
    assert second.layers.step == 42
    assert second.layers.columns["before"].tolist() == [6.0, 0.0, 8.0]


def test_a_look_without_news_keeps_what_was_seen(run):
    reader = open_run(run)
    first = look(reader)
    reader.refresh()
    second = look(reader, first)
    assert second.numbers is first.numbers
    assert second.layers is first.layers


def test_a_run_without_a_step_can_be_looked_at(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS):
        seen = look(open_run(tmp_path / "run"))
    assert (len(seen.numbers.steps), seen.layers) == (0, None)


def test_steps_that_training_took_anew_take_the_old_ones_place(run):
    reader = open_run(run)
    first = look(reader)
    with Recorder(run, WEIGHTS, resume=True) as recorder:
        recorder._next = 5
        record_steps(recorder, 10, factor=2.0)
    reader.refresh()
    second = look(reader, first)
    assert second.numbers.steps.tolist() == list(range(15))
    assert second.numbers.global_norm_before.tolist() == [5.0] * 5 + [10.0] * 10


def test_a_run_of_schema_1_is_seen_as_well(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(_DESCRIPTION))
    (tmp_path / "steps.jsonl").write_text(line(0) + line(1, norms_before=["NaN", "Infinity"]))
    seen = look(open_run(tmp_path))
    assert seen.numbers.global_norm_before.tolist() == [5.0, 5.0]
    assert seen.layers.names == ("w1", "b1")
    np.testing.assert_array_equal(seen.layers.columns["before"], [np.nan, np.inf])
