"""Training by several processes: one run, whole, and nobody waits for it."""

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import check_followed, followed, plain

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


def test_of_four_processes_two_have_the_same_shard_which_counts_once(tmp_path):
    run = check_followed("torch_fsdp2.py", tmp_path / "run", processes=4)
    assert run.metadata.shards == 4
    assert run.norms_before.all()


@pytest.mark.parametrize(
    ("strategy", "processes", "shards"),
    [("FULL_SHARD", 2, 2), ("SHARD_GRAD_OP", 2, 2), ("NO_SHARD", 2, 1), ("HYBRID_SHARD", 4, 4)],
)
def test_the_first_fsdp_and_its_own_clipping(tmp_path, strategy, processes, shards):
    run = check_followed("torch_fsdp1.py", tmp_path / "run", strategy, processes=processes)
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [p.name for p in run.metadata.parameters] == names
    assert [p.shape for p in run.metadata.parameters] == [(15, 20), (15,), (3, 15), (3,)]
    assert (run.metadata.shards, set(run.limit), run.summary) == (shards, {0.15}, None)
    assert (run.scale < 1).all()


def test_the_first_fsdp_with_parameters_that_are_one(tmp_path):
    run = check_followed("torch_fsdp1.py", tmp_path / "run", "FULL_SHARD", "flat")
    assert [p.name for p in run.metadata.parameters] == ["_flat_param"]
    assert run.metadata.parameters[0].shape == (15 * 20 + 15 + 3 * 15 + 3,)
    assert set(run.limit) == {0.15}


@pytest.mark.parametrize(
    ("script", "arguments", "by_hand"),
    [
        ("torch_fsdp1.py", ["FULL_SHARD"], "model.clip_grad_norm_(1.0)"),
        ("torch_fsdp2.py", [], "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"),
    ],
)
def test_shards_are_not_clipped_by_us_which_is_said(tmp_path, script, arguments, by_hand):
    done = followed(script, tmp_path / "run", *arguments, GRADCLIP_RUN_CLIP="global-norm=0.01")
    assert "--clip is not applied: each process has a part" in done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert by_hand in run.summary["notes"][0]
    assert done.final == plain(script, *arguments).final
    assert run.global_norm_after.min() > 0.1


def test_gradients_that_the_program_adds_up_are_right_at_the_step(tmp_path):
    alone = plain("torch_sequence_parallel.py", "added", SHOW="1")
    done = followed("torch_sequence_parallel.py", tmp_path / "run", "added")
    assert done.final == alone.final, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    np.testing.assert_allclose(run.global_norm_before, alone.shown[:, 1], rtol=1e-5)
    np.testing.assert_allclose(run.global_norm_after, alone.shown[:, 2], rtol=1e-5)
    assert (run.scale == 1).all()
    assert run.norms_after.all()
    assert run.summary is None


def test_gradients_that_nobody_has_added_up_are_left_out_which_is_said(tmp_path):
    alone = plain("torch_sequence_parallel.py", SHOW="1")
    done = followed("torch_sequence_parallel.py", tmp_path / "run")
    assert done.final == alone.final, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert run.norms_before.any(axis=0).tolist() == [False, False, True, True, True, True]
    assert run.summary["notes"][0].startswith("2 gradients, that of 0.weight for one, are sums")
    assert (run.global_norm_before < alone.shown[:, 1]).all()
    np.testing.assert_allclose(run.loss, alone.shown[:, 0], rtol=1e-5)
