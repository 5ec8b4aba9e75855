"""Loops of a program's own with Keras' optimizers on JAX and PyTorch."""

import numpy as np
import pytest
from tests.instrumenting.harness import check_followed, followed, plain

import gradclip

pytestmark = [pytest.mark.keras, pytest.mark.long]

NAMES = ("net/hidden/kernel", "net/hidden/bias", "net/dense/kernel", "net/dense/bias")
RATE = 0.02
ON_JAX = {
    "compiled": {},
    "clipped": {"GLOBAL_CLIPNORM": "3"},
    "eager": {"MODE": "eager"},
    "scanned": {"MODE": "scan", "GLOBAL_CLIPNORM": "3"},
    "accumulated": {"ACCUMULATE": "2"},
    "a train_step": {"MODE": "train_step"},
    "a scaled train_step": {"MODE": "train_step", "LOSS_SCALE": "1"},
}
ON_TORCH = {
    "not clipped": {},
    "clipped": {"LIMIT": "3"},
    "clipped in two": {"LIMIT": "3", "IN_TWO": "1"},
    "accumulated": {"ACCUMULATE": "2"},
}


@pytest.fixture
def check(tmp_path, given):
    """Check a script in an environment, and return its run."""

    def checked(script, environment):
        given(**environment)
        run = check_followed(script, tmp_path / "run", rtol=1e-3)
        assert [path.name for path in tmp_path.iterdir()] == ["run"]
        assert tuple(p.name for p in run.metadata.parameters) == NAMES
        assert run.learning_rate == pytest.approx(RATE)
        return run

    return checked


@pytest.mark.parametrize("way", ON_JAX)
def test_a_loop_on_jax_is_recorded(way, check):
    run = check("keras_jax_loop.py", ON_JAX[way])
    steps = run.updates.steps
    assert steps.tolist() == list(range(0, len(run.steps), 10))
    np.testing.assert_allclose(run.updates.update_norms, RATE * run.norms_after[steps], rtol=1e-3)


@pytest.mark.parametrize("way", ON_TORCH)
def test_a_loop_on_pytorch_is_recorded(way, check):
    run = check("keras_torch_loop.py", ON_TORCH[way])
    for step, norms in zip(run.updates.steps, run.updates.update_norms, strict=True):
        np.testing.assert_allclose(norms, RATE * run.norms_after[step], rtol=1e-3)
    assert (run.limit == (3 if "LIMIT" in ON_TORCH[way] else np.inf)).all()


def test_a_keras_model_trained_by_pytorchs_optimizer_is_a_run_of_pytorchs(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMIT", "3")
    monkeypatch.setenv("MODE", "torch")
    run = check_followed("keras_torch_loop.py", tmp_path / "run", rtol=1e-3)
    assert run.metadata.framework == "torch"
    assert run.limit == pytest.approx(3)


@pytest.mark.parametrize("mode", ["jit", "eager"])
def test_a_loss_that_a_loop_on_jax_scales_is_said_not_to_be_recorded(mode, tmp_path, monkeypatch):
    monkeypatch.setenv("MODE", mode)
    monkeypatch.setenv("LOSS_SCALE", "1")
    alone, watched = plain("keras_jax_loop.py"), followed("keras_jax_loop.py", tmp_path / "run")
    assert watched.final == alone.final, watched.stderr
    assert "The loss that a LossScaleOptimizer scales" in watched.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 12
    assert np.isnan(run.loss).all()


def test_a_loop_on_jax_ends_after_the_steps_that_were_asked_for(tmp_path):
    watched = followed("keras_jax_loop.py", tmp_path / "run", GRADCLIP_RUN_STEPS="7")
    assert watched.code == 0, watched.stderr
    assert "final" not in watched.stdout
    assert gradclip.read_run(tmp_path / "run").steps.tolist() == list(range(7))
