"""Keras' `fit`, unchanged, comes to the same and is recorded."""

import numpy as np
import pytest
from tests.instrumenting.harness import check_followed, followed, plain

import gradclip

pytestmark = pytest.mark.keras

NAMES = ("net/hidden/kernel", "net/hidden/bias", "net/dense/kernel", "net/dense/bias")
BACKENDS = ("tensorflow", "jax", "torch")


def test_fit_is_recorded(tmp_path):
    run = check_followed("keras_fit.py", tmp_path / "run", rtol=1e-3)
    assert tuple(p.name for p in run.metadata.parameters) == NAMES
    assert run.learning_rate == pytest.approx(0.02)
    assert run.updates.steps.tolist() == [10]
    change = run.updates.update_norms[0]
    np.testing.assert_allclose(change, 0.02 * run.norms_after[10], rtol=1e-3)


def test_updates_are_those_of_every_tenth_step_however_often_a_model_is_evaluated(tmp_path):
    followed("keras_evaluated.py", tmp_path / "run")
    run = gradclip.read_run(tmp_path / "run")
    assert run.updates.steps.tolist() == [10, 20, 30]


WAYS = {
    "clipped": {"GLOBAL_CLIPNORM": "3"},
    "eager": {"RUN_EAGERLY": "1", "GLOBAL_CLIPNORM": "3"},
    "accumulated": {"ACCUMULATE": "2", "GLOBAL_CLIPNORM": "3"},
    "accumulated eagerly": {"ACCUMULATE": "2", "RUN_EAGERLY": "1"},
    "averaged": {"EMA": "1"},
    "scaled": {"LOSS_SCALE": "1", "GLOBAL_CLIPNORM": "3"},
    "clipped by gradclip": {"CLIPPED": "1"},
    "scaled eagerly": {"LOSS_SCALE": "1", "RUN_EAGERLY": "1"},
}
OF_ONE_BACKEND = {
    "compiled by XLA": {"JIT": "1", "GLOBAL_CLIPNORM": "3"},
    "a plain graph": {"JIT": "0"},
    "several steps in one": {"STEPS_PER_EXECUTION": "4", "JIT": "1"},
    "several steps in one on JAX": {"STEPS_PER_EXECUTION": "4", "KERAS_BACKEND": "jax"},
}


@pytest.mark.long
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("way", WAYS)
def test_fit_is_recorded_in_every_way(way, backend, tmp_path, given):
    given(**WAYS[way], KERAS_BACKEND=backend)
    check_followed("keras_fit.py", tmp_path / "run", rtol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("way", OF_ONE_BACKEND)
def test_fit_is_recorded_as_it_is_compiled(way, tmp_path, given):
    given(**OF_ONE_BACKEND[way])
    check_followed("keras_fit.py", tmp_path / "run", rtol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("backend", BACKENDS)
def test_fit_clips_as_it_is_asked_to(backend, tmp_path, given):
    given(KERAS_BACKEND=backend)
    clipped = followed("keras_fit.py", tmp_path / "run", GRADCLIP_RUN_CLIP="global-norm=3")
    own = plain("keras_fit.py", GLOBAL_CLIPNORM="3")
    run = gradclip.read_run(tmp_path / "run")
    assert float.fromhex(clipped.final[6:]) == pytest.approx(float.fromhex(own.final[6:]), rel=1e-5)
    assert len(run.steps) == 18
    assert run.global_norm_after == pytest.approx(3)
    assert run.limit == pytest.approx(3)


@pytest.mark.long
@pytest.mark.parametrize("backend", BACKENDS)
def test_fit_ends_after_the_steps_that_were_asked_for(backend, tmp_path, given):
    given(KERAS_BACKEND=backend)
    outcome = followed("keras_fit.py", tmp_path / "run", GRADCLIP_RUN_STEPS="7")
    assert outcome.code == 0, outcome.stderr
    assert "final" not in outcome.stdout
    assert gradclip.read_run(tmp_path / "run").steps.tolist() == list(range(7))


@pytest.mark.long
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_that_finds_the_loss_scale_is_recorded_as_skipped(backend, tmp_path, given):
    given(KERAS_BACKEND=backend, LOSS_SCALE="1", BAD="1")
    alone, watched = plain("keras_fit.py"), followed("keras_fit.py", tmp_path / "run")
    assert watched.final == alone.final, watched.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert np.flatnonzero(run.skipped).tolist() == [1, 7, 13]
    assert not np.isfinite(run.global_norm_before[1])
    assert run.global_norm_before[2] == pytest.approx(8.0, abs=8)


@pytest.mark.long
def test_every_third_step_is_recorded(tmp_path):
    followed("keras_fit.py", tmp_path / "run", GRADCLIP_RUN_EVERY="3")
    assert gradclip.read_run(tmp_path / "run").steps.tolist() == list(range(0, 18, 3))


@pytest.mark.long
def test_steps_of_a_model_that_is_gone_are_of_its_run(tmp_path):
    watched = followed("keras_main.py", tmp_path / "run")
    assert watched.final == plain("keras_main.py").final, watched.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 12
    assert not run.damaged
