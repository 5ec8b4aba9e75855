"""Programs that train on a GPU, followed."""

import math

import numpy as np
import pytest
import torch

import gradclip
from tests.instrumenting.harness import check_followed, followed

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
SCRIPT = "torch_on_gpu.py"


@pytest.mark.parametrize("kind", ["plain", "stream", "compiled", "callables", "graph"])
def test_it_comes_to_the_same_and_its_run_is_right(tmp_path, kind):
    run = check_followed(SCRIPT, tmp_path / "run", kind)
    assert run.limit.tolist() == [0.5] * len(run.steps)
    assert run.zeros is not None
    assert run.learning_rate.tolist() == [1e-2] * len(run.steps)


def test_steps_of_a_scaled_loss(tmp_path):
    run = check_followed(SCRIPT, tmp_path / "run", "scaled", rtol=2e-3)
    assert run.skipped.any()
    assert not run.skipped.all()


def test_a_policy_acts_on_each_step(tmp_path):
    done = followed(SCRIPT, tmp_path / "run", "plain", GRADCLIP_RUN_CLIP="global-norm=0.01")
    run = gradclip.read_run(tmp_path / "run")
    np.testing.assert_allclose(run.global_norm_after, 0.01, rtol=1e-5)
    assert "could not" not in done.stderr


def test_it_says_that_a_graph_is_not_clipped(tmp_path):
    done = followed(SCRIPT, tmp_path / "run", "graph", GRADCLIP_RUN_CLIP="global-norm=0.01")
    run = gradclip.read_run(tmp_path / "run")
    assert "--clip is not applied to steps that CUDA graphs hold" in done.stderr
    assert run.global_norm_after[:3].max() == pytest.approx(0.01, rel=1e-5)
    assert len(run.steps) == 15
    assert not math.isclose(run.global_norm_after[-1], 0.01, rel_tol=1e-2)
