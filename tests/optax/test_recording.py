"""Tests of recording compiled steps."""

import numpy as np
import pytest

import gradclip

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
pytestmark = pytest.mark.jax


@pytest.mark.parametrize("statistics", [False, True])
def test_steps_whose_state_is_donated_are_recorded_as_they_were(tmp_path, statistics):
    clip = gradclip.optax.clip("global-norm=1", max_skipped=None, statistics=statistics)
    chain = optax.chain(clip, optax.sgd(0.1))
    parameters = {"b": jax.numpy.zeros(1), "w": jax.numpy.ones((4, 1))}
    state = chain.init(parameters)

    def step(parameters, state, scale):
        gradients = jax.tree.map(lambda p: scale * jax.numpy.ones_like(p), parameters)
        updates, state = chain.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state, scale * 2

    donating = jax.jit(step, donate_argnums=(0, 1))
    with gradclip.Recorder(tmp_path / "run", dict(parameters)) as recorder:
        for i in range(50):
            parameters, state, loss = donating(parameters, state, i + 1.0)
            recorder.record(gradclip.optax.report(state), loss=loss)
    run = gradclip.read_run(tmp_path / "run")
    assert recorder.lost == 0
    np.testing.assert_allclose(run.loss, 2 * np.arange(1, 51))
    np.testing.assert_allclose(run.norms_before[:, 0], np.arange(1, 51))
    np.testing.assert_allclose(run.norms_before[:, 1], 2 * np.arange(1, 51))
    np.testing.assert_allclose(run.global_norm_after, 1.0, rtol=1e-6)
    assert (run.zeros is not None) == statistics
