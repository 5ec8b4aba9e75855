"""Training without an optimizer's step: by hand, within backward, left out, in children."""

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import check_followed, followed, plain

pytestmark = [pytest.mark.torch, pytest.mark.long]


def test_a_program_without_optimizer_is_followed(tmp_path):
    run = check_followed("torch_no_optimizer.py", tmp_path / "run")
    names = [p.name for p in run.metadata.parameters]
    assert names[:2] == ["encoder.weight", "rnn.weight_ih_l0"]
    assert set(run.limit) == {0.2}
    assert run.updates.steps.tolist() == [0, 10]
    norms = np.linalg.norm(run.norms_after[[0, 10]], axis=1)
    np.testing.assert_allclose(np.linalg.norm(run.updates.update_norms, axis=1), 0.5 * norms, 1e-4)


def test_it_is_not_clipped_and_says_so(tmp_path):
    done = followed("torch_no_optimizer.py", tmp_path / "run", GRADCLIP_RUN_CLIP="global-norm=0.01")
    assert "--clip is not applied" in done.stderr
    assert done.final == plain("torch_no_optimizer.py").final


def test_what_says_nowhere_where_a_step_ends_is_told(tmp_path):
    done = followed("torch_raw.py", tmp_path / "run")
    assert "5 calls of backward were seen, but no step of an optimizer" in done.stderr
    assert done.final == plain("torch_raw.py").final


def test_gradients_that_train_nothing_are_no_steps(tmp_path):
    done = followed("torch_attack.py", tmp_path / "run")
    assert "6 calls of backward were seen, but no step of an optimizer" in done.stderr
    assert not (tmp_path / "run").exists()
    assert done.final == plain("torch_attack.py").final


def test_optimizers_within_backward_make_one_step(tmp_path):
    run = check_followed("torch_in_backward.py", tmp_path / "run")
    assert sorted(p.name for p in run.metadata.parameters) == [
        "0.bias",
        "0.weight",
        "2.bias",
        "2.weight",
    ]


def test_within_backward_tensors_can_be_clipped_but_not_their_global_norm(tmp_path):
    done = followed("torch_in_backward.py", tmp_path / "a", GRADCLIP_RUN_CLIP="global-norm=0.01")
    assert "within backward" in done.stderr
    run = gradclip.read_run(tmp_path / "a")
    assert (run.scale == 1).all()
    followed("torch_in_backward.py", tmp_path / "b", GRADCLIP_RUN_CLIP="norm=0.01")
    assert (gradclip.read_run(tmp_path / "b").norms_after < 0.0101).all()


def test_a_step_that_the_loop_leaves_out_is_a_skipped_one(tmp_path):
    done = followed("torch_skipping.py", tmp_path / "run")
    assert done.final == plain("torch_skipping.py").final
    run = gradclip.read_run(tmp_path / "run")
    assert run.skipped.tolist() == [False, False, False, True, False, False]
    assert np.isnan(run.loss).tolist() == run.skipped.tolist()


def test_children_that_train_a_shared_model_leave_a_run_each(tmp_path):
    done = followed("torch_hogwild.py", tmp_path / "run")
    assert done.code == 0, done.stderr
    runs = [gradclip.read_run(path) for path in sorted(tmp_path.iterdir())]
    assert sorted(len(run.steps) for run in runs) == [5, 6]
    names = ["body.weight", "body.bias", "head.weight", "head.bias"]
    assert all([p.name for p in run.metadata.parameters] == names for run in runs)
