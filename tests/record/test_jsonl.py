"""Tests of reading runs of schema 1, whose steps are lines of JSON."""

import json

import numpy as np
import pytest

from gradclip.errors import RunError
from gradclip.record import open_run, read_run

_DESCRIPTION = {
    "schema": 1,
    "status": "finished",
    "framework": {"name": "numpy", "version": "2.4"},
    "program": "gradclip demo",
    "gradclip": "0.1.0",
    "python": "3.11.7",
    "arguments": {"steps": 2},
    "device": "cpu",
    "policy": "global-norm=1.0",
    "seed": 0,
    "created": "2026-01-01T00:00:00+00:00",
    "parameters": [{"name": "w1", "shape": [2, 3]}, {"name": "b1", "shape": [3]}],
    "summary": {"test_accuracy": 0.5},
}


def line(step, **changes):
    fields = {
        "step": step,
        "time": 0.25 * step,
        "loss": 2.5,
        "accuracy": None,
        "learning_rate": None,
        "global_norm_before": 5.0,
        "global_norm_after": 1.0,
        "limit": 1.0,
        "scale": 0.2,
        "skipped": False,
        "norms_before": [3.0, 4.0],
        "norms_after": [0.6, 0.8],
    }
    return json.dumps(fields | changes) + "\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(_DESCRIPTION))
    second = line(1, limit=None, skipped=True, norms_before=["NaN", "Infinity"])
    (tmp_path / "steps.jsonl").write_text(line(0) + second)
    return tmp_path


def test_it_reads_as_a_run_of_today_does(path):
    run = read_run(path)
    assert (run.status, run.summary) == ("finished", {"test_accuracy": 0.5})
    assert [p.name for p in run.metadata.parameters] == ["w1", "b1"]
    assert run.steps.tolist() == [0, 1]
    assert run.limit.tolist() == [1.0, np.inf]
    assert run.skipped.tolist() == [False, True]
    assert run.lost.tolist() == [0, 0]
    np.testing.assert_array_equal(run.norms_before, [[3.0, 4.0], [np.nan, np.inf]])
    assert run.largest is run.updates is None


def test_it_is_sliced_and_thinned(path):
    assert read_run(path, first=1).steps.tolist() == [1]
    assert read_run(path, last=0).steps.tolist() == [0]
    thinned = open_run(path).thin(1)
    assert (thinned.steps.tolist(), thinned.last_steps.tolist()) == ([0], [1])
    assert thinned.columns["norms_before"].infinities.tolist() == [[0, 1]]
    assert open_run(path).num_steps == 2


@pytest.mark.parametrize("size", [1, 20, 150])
def test_a_torn_last_line_is_left_out(path, size):
    whole = (path / "steps.jsonl").read_bytes()
    first = whole.index(b"\n") + 1
    (path / "steps.jsonl").write_bytes(whole[: first + size])
    assert read_run(path).steps.tolist() == [0]


def test_a_damaged_line_in_the_middle_is_reported(path):
    lines = (path / "steps.jsonl").read_text()
    (path / "steps.jsonl").write_text("{torn\n" + lines)
    with pytest.raises(RunError, match=r"line 1 of steps\.jsonl is not JSON"):
        read_run(path)


def test_a_wrong_number_of_norms_is_reported(path):
    (path / "steps.jsonl").write_text(line(0, norms_before=[1.0]))
    with pytest.raises(RunError, match="damaged"):
        read_run(path)


def test_missing_steps_are_reported(path):
    (path / "steps.jsonl").unlink()
    with pytest.raises(RunError, match=r"steps\.jsonl cannot be read"):
        read_run(path)


def test_a_foreign_line_is_reported(path):
    (path / "steps.jsonl").write_text("[1]\n2\n")
    with pytest.raises(RunError, match="other than a gradclip run"):
        read_run(path)
