"""Loops with a tape and a Keras optimizer, which clip by TensorFlow's functions."""

import pytest
from tests.instrumenting.harness import check_followed

pytestmark = [pytest.mark.keras, pytest.mark.long]


@pytest.mark.parametrize("eager", ["", "1"])
def test_two_optimizers_make_one_step(eager, tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_EAGERLY", eager)
    run = check_followed("keras_two.py", tmp_path / "run", rtol=1e-3)
    assert {p.name.split("/")[0] for p in run.metadata.parameters} == {"first", "second"}


@pytest.mark.parametrize("mode", ["eager", "graph", "xla", "whole epochs"])
def test_a_loop_that_clips_is_recorded(mode, tmp_path, monkeypatch):
    monkeypatch.setenv("MODE", mode)
    run = check_followed("keras_loop.py", tmp_path / "run", rtol=1e-3)
    assert run.limit == pytest.approx(3)
