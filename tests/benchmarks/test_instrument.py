"""The benchmark of `gradclip run` runs on little."""

import json

import pytest
from benchmarks.instrument import overhead
from benchmarks.instrument.page import render

pytestmark = [pytest.mark.torch, pytest.mark.long]
pytest.importorskip("torch")


def test_a_program_is_measured_and_shown(monkeypatch):
    name = "PyTorch, MLP 784-128-10, 64 a batch"
    monkeypatch.setattr(overhead, "PROGRAMS", {name: overhead.PROGRAMS[name]})
    rows = list(overhead.measure(1))
    assert [row["clips"] for row in rows] == [False, True]
    assert all(row["same"] and row["step_ms"] > 0 for row in rows)
    page = render({"place": {"overhead": "here"}, "overhead": json.loads(json.dumps(rows))})
    assert f"| {name} | yes | 1 |" in page
