"""Tests of sinks at a Recorder: they get every step, and no failure of theirs stops it."""

import numpy as np
import pytest

import gradclip
from gradclip.errors import ConfigurationError, RunError
from gradclip.record.sinks import JsonLines, feed


class Kept:
    """A sink that keeps what it gets, and fails where it is told to."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at
        self.steps, self.calls = [], []

    def fail(self, call):
        self.calls.append(call)
        if call == self.fails_at:
            raise ValueError("no room for " + call)

    def open(self, metadata):
        self.fail("open")
        self.program = metadata.program

    def write(self, records):
        self.fail("write")
        self.steps += [r.step for r in records]

    def close(self, status):
        self.fail("close")
        self.status = status


def test_a_sink_gets_every_step_and_how_it_ended(record):
    sink = Kept()
    record(sink, steps=1000)
    assert (sink.program, sink.steps, sink.status) == ("program", [*range(1000)], "finished")


def test_a_sink_that_fails_is_switched_off_with_one_warning(record):
    broken, sound = Kept("write"), Kept()
    with pytest.warns(UserWarning, match=r"Kept is switched off: ValueError: no room") as warned:
        run = record(broken, sound, steps=600)
    assert len(warned) == 1
    assert broken.calls == ["open", "write"]
    assert sound.steps == run.steps.tolist() == [*range(600)]


def test_a_sink_that_cannot_close_is_said(record):
    with pytest.warns(UserWarning, match="no room for close"):
        run = record(Kept("close"))
    assert run.status == "finished"


def test_a_sink_that_cannot_open_raises_where_it_was_made(tmp_path):
    first = Kept()
    with pytest.raises(ValueError, match="no room for open"):
        gradclip.Recorder(tmp_path / "run", {"w": np.zeros(1)}, sinks=[first, Kept("open")])
    assert (first.calls, first.status) == (["open", "close"], "failed")
    assert not (tmp_path / "run").exists()


def test_sinks_are_closed_where_there_is_a_run_already(tmp_path, record):
    record()
    sink = Kept()
    with pytest.raises(RunError, match="already holds one"):
        gradclip.Recorder(tmp_path / "run", {"w": np.zeros(1)}, sinks=[sink])
    assert sink.calls == ["open", "close"]


def test_a_finished_run_is_fed_part_by_part(tmp_path, record, monkeypatch):
    monkeypatch.setattr("gradclip.record.sinks.feeding._NUM_VALUES", 6)
    live = tmp_path / "live.jsonl"
    record(JsonLines(live), steps=10)
    sink = Kept()
    feed(tmp_path / "run", sink)
    assert sink.steps == [*range(10)]
    assert sink.calls == ["open", *["write"] * 4, "close"]
    feed(tmp_path / "run", JsonLines(tmp_path / "fed.jsonl"))
    assert (tmp_path / "fed.jsonl").read_text() == live.read_text()


def test_sinks_refuse_numbers_out_of_range(tmp_path):
    with pytest.raises(ConfigurationError, match="every"):
        JsonLines(tmp_path / "steps.jsonl", every=0)
