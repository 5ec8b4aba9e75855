"""Tests of the list's rows."""

import json
import math

import numpy as np
import pytest
from tests.dashboard.conftest import Training, train

import gradclip
from gradclip.dashboard.views import run_row


def test_a_row_says_what_a_run_is_and_came_to(tmp_path):
    train(tmp_path / "mine", steps=40)
    row, run = run_row(tmp_path, "mine"), gradclip.read_run(tmp_path / "mine")
    assert (row["name"], row["status"], row["program"]) == ("mine", "finished", "a test")
    assert (row["policy"], row["framework"], row["parameters"]) == ("global-norm=1", "numpy", 4)
    assert (row["steps"], row["of"], row["lastStep"], row["skipped"]) == (40, 40, 39, 0)
    assert row["loss"] == pytest.approx(run.loss[-1], rel=1e-3)
    assert row["norm"] == pytest.approx(run.global_norm_before[-1], rel=1e-3)
    assert row["clipped"] == np.mean(run.scale < 1)
    assert len(row["curve"]) == 40
    assert row["created"] <= row["changed"] + 1
    json.dumps(row, allow_nan=False)


def test_a_row_of_a_long_run_is_of_its_last_steps(tmp_path, monkeypatch):
    monkeypatch.setattr("gradclip.dashboard.views._MOST_STEPS", 10)
    train(tmp_path / "mine", steps=100)
    row = run_row(tmp_path, "mine")
    assert (row["steps"], row["of"], row["lastStep"]) == (100, 10, 99)


def test_a_run_that_has_only_begun_has_no_numbers(tmp_path):
    training = Training(tmp_path / "mine")
    row = run_row(tmp_path, "mine")
    training.end()
    assert (row["status"], row["steps"]) == ("running", 0)
    assert "loss" not in row


def test_norms_that_are_none_are_null_and_counted(tmp_path):
    training = Training(tmp_path / "mine")
    training.step(2)
    training.step(1, size=math.nan)
    row = run_row(tmp_path, "mine")
    training.end()
    assert (row["norm"], row["broken"]) == (None, 1)
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 99}', "\udc80"])
def test_a_damaged_run_is_a_row_that_says_so(tmp_path, text):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text(text, errors="surrogateescape")
    row = run_row(tmp_path, "mine")
    assert row["status"] == "damaged"
    assert "run.json" in row["error"] or "gradclip" in row["error"]


def test_a_run_without_a_loss_has_the_norm_s_curve(tmp_path):
    weights = {"w": np.zeros(2)}
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
    with gradclip.Recorder(tmp_path / "mine", weights) as recorder:
        clipper([np.array([0.3, 0.4])], names=["w"])
        recorder.record(clipper.report)
    row = run_row(tmp_path, "mine")
    assert (row["loss"], row["curve"], row["policy"]) == (None, [0.5], None)
