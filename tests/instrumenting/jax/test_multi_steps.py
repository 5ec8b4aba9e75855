"""Gradients that `optax.MultiSteps` accumulates are one step."""

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import check_followed, followed

pytestmark = [pytest.mark.jax, pytest.mark.long]


@pytest.mark.parametrize("kind", ["mean", "sum", "dropped", "apart", "eager", "scan"])
def test_accumulated_batches_are_one_step(kind, tmp_path):
    run = check_followed("jax_multi_steps.py", tmp_path / "run", kind)
    assert list(run.updates.steps) == [0]
    assert np.all(run.updates.update_norms > 0)


def test_it_stops_after_steps_and_not_after_batches(tmp_path):
    done = followed("jax_multi_steps.py", tmp_path / "run", "mean", GRADCLIP_RUN_STEPS="2")
    assert (done.code, done.stdout) == (0, "")
    assert len(gradclip.read_run(tmp_path / "run").steps) == 2


def test_a_policy_clips_what_was_accumulated(tmp_path):
    clip = "global-norm=0.05"
    done = followed("jax_multi_steps.py", tmp_path / "run", "mean", GRADCLIP_RUN_CLIP=clip)
    assert done.code == 0, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 4
    assert np.all(run.global_norm_before > 0.05)
    np.testing.assert_allclose(run.global_norm_after, 0.05, rtol=1e-5)
