"""Training by several processes: one run, whole, and nobody waits for it."""

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import check_followed, plain

pytestmark = [pytest.mark.torch, pytest.mark.long]


def lines(outcome, word):
    rows = [line.split()[1:] for line in outcome.stdout.splitlines() if line.startswith(word)]
    return np.array(rows, dtype=np.float64)


def test_data_parallel_processes_leave_one_run(tmp_path):
    run = check_followed("torch_ddp.py", tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert run.metadata.shards == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert gradclip.open_run(tmp_path / "run").ranks == (0,)


def test_shards_are_put_together(tmp_path):
    run = check_followed("torch_fsdp2.py", tmp_path / "run")
    names = ["scale", "body.weight", "body.bias", "head.weight", "head.bias"]
    assert [p.name for p in run.metadata.parameters] == names
    assert [p.shape for p in run.metadata.parameters][:2] == [(3,), (15, 20)]
    assert run.metadata.shards == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    alone = plain("torch_fsdp2.py", SHOW="1")
    np.testing.assert_allclose(run.norms_before, lines(alone, "each"), rtol=1e-5)
    weights = lines(alone, "weights")[run.updates.steps]
    np.testing.assert_allclose(run.updates.weight_norms, weights, rtol=1e-5)
    assert (run.updates.update_norms > 0).all()
    clipped = run.global_norm_before > 0.15
    assert clipped.any()
    after = 0.15 / run.global_norm_before[clipped]
    np.testing.assert_allclose(run.scale[clipped], after, rtol=1e-4)  # PyTorch adds 1e-6


def test_what_both_processes_have_counts_once(tmp_path):
    run = check_followed("torch_tensor_parallel.py", tmp_path / "run")
    assert run.metadata.shards == 2
    assert [p.shape for p in run.metadata.parameters] == [(16, 20), (16,), (3, 16), (3,)]
