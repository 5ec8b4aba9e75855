"""The benchmark of recording runs on little."""

import json

import numpy as np
import pytest
from benchmarks.recording import following, reading, training, writing
from benchmarks.recording.page import render
from benchmarks.recording.stores import STORES

pytest.importorskip("pyarrow")
pytest.importorskip("tensorboard")


def test_every_store_is_written_to(tmp_path):
    rows = list(writing.measure(3, 64, repeats=2, folder=tmp_path))
    assert [row["name"] for row in rows] == list(STORES)
    assert all(row["bytes"] > 3 * 4 and row["microseconds"] > 0 for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_reading_and_recording_are_measured_and_shown():
    results = {
        "place": {"reading": "here"},
        "training": list(training.measure(3, 100)),
        "following": list(following.measure(3, 0.5)),
        "reading": list(reading.measure(3, 3000, counts=True, columns=True)),
    }
    assert results["training"][0]["kept"] == results["training"][0]["steps"] == 100
    assert results["following"][0]["looks"] > 0
    assert np.isfinite(results["reading"][0]["thin_s"])
    page = render(json.loads(json.dumps(results)))
    assert "## Reading long runs" in page
    assert "| 3,000 | 3 | True |" in page
