"""Programs of trainers that own the loop are followed as they are, with the real libraries."""

import numpy as np
import pytest
from tests.instrumenting.harness import check_followed, followed, plain

import gradclip

pytestmark = [pytest.mark.long, pytest.mark.torch, pytest.mark.trainers]


def names(run):
    return [parameter.name for parameter in run.metadata.parameters]


def check_clipped(run, limit):
    """Check that every step that was too large was clipped by the program's own means."""
    large = run.global_norm_before > limit
    assert large.any()
    assert np.all(run.limit == limit)
    np.testing.assert_allclose(run.global_norm_after[large], limit, rtol=1e-5)


def test_lightning_clips_inside_of_the_optimizers_closure(tmp_path):
    run = check_followed("lightning_fit.py", tmp_path / "run")
    assert names(run) == ["body.0.weight", "body.0.bias", "head.weight", "head.bias"]
    check_clipped(run, 5.0)


def test_the_trainer_of_hugging_face(tmp_path):
    run = check_followed("transformers_trainer.py", tmp_path / "run")
    assert names(run)[:2] == ["transformer.wte.weight", "transformer.wpe.weight"]
    assert not any("lm_head" in name for name in names(run))  # tied to the first
    check_clipped(run, 0.5)


def test_a_norm_that_is_only_measured_is_no_clip(tmp_path):
    alone = plain("transformers_trainer.py", MAX_NORM="0")
    watched = followed("transformers_trainer.py", tmp_path / "run", MAX_NORM="0")
    assert watched.final == alone.final, watched.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 8
    assert np.all(run.scale == 1.0)
    assert np.all(np.isinf(run.limit))


def test_accelerate_with_accumulated_gradients(tmp_path):
    run = check_followed("accelerate_loop.py", tmp_path / "run")
    assert names(run) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    check_clipped(run, 5.0)


def test_the_trainer_of_trl(tmp_path):
    run = check_followed("trl_sft.py", tmp_path / "run")
    assert names(run)[0] == "model.embed_tokens.weight"
    check_clipped(run, 0.5)


def test_the_workers_of_ray_train(tmp_path):
    run = check_followed("ray_train.py", tmp_path / "run")
    assert names(run) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    check_clipped(run, 4.0)
