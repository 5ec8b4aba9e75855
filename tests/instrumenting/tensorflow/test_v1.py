"""Programs with optimizers of TensorFlow 1."""

import numpy as np
import pytest
from tests.instrumenting.harness import check_followed, followed, plain

import gradclip

pytestmark = [pytest.mark.tensorflow, pytest.mark.long]
MODES = ["eager", "function", "session", "clipped"]


@pytest.mark.parametrize("mode", MODES)
def test_steps_are_recorded(mode, tmp_path):
    run = check_followed("tf_v1.py", tmp_path / "run", mode)
    assert [p.name for p in run.metadata.parameters] == ["table", "kernel"]
    assert run.learning_rate == pytest.approx(0.1)
    assert run.limit == pytest.approx(0.5 if mode in {"function", "clipped"} else np.inf)


@pytest.mark.parametrize("mode", ["eager", "clipped"])
def test_a_program_ends_after_the_steps_that_were_asked_for(mode, tmp_path):
    watched = followed("tf_v1.py", tmp_path / "run", mode, GRADCLIP_RUN_STEPS="2")
    assert watched.code == 0, watched.stderr
    assert len(gradclip.read_run(tmp_path / "run").steps) == 2
    assert "final" not in watched.stdout


@pytest.mark.parametrize("mode", ["eager", "function", "session"])
def test_clip_clips(mode, tmp_path):
    watched = followed("tf_v1.py", tmp_path / "run", mode, GRADCLIP_RUN_CLIP="global-norm=0.25")
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 5, watched.stderr
    assert run.global_norm_before.min() > 0.25
    assert run.global_norm_after == pytest.approx(0.25, rel=1e-5)


def test_steps_of_two_operations_are_one_and_groups_hold_them(tmp_path):
    run = check_followed("tf_v1_two.py", tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == ["critic/w", "maker/w"]
    assert run.learning_rate == pytest.approx([0.01, 0.005, 0.0025, 0.00125])


def test_a_loss_with_input_of_its_own_is_not_read(tmp_path):
    alone = plain("tf_v1_two.py", "offset")
    watched = followed("tf_v1_two.py", tmp_path / "run", "offset")
    assert watched.final == alone.final
    assert "The loss of a graph's steps is not recorded" in watched.stderr
    assert np.isnan(gradclip.read_run(tmp_path / "run").loss).all()


def test_steps_in_a_branch_are_said_not_to_be_seen(tmp_path):
    alone = plain("tf_v1.py", "branch")
    watched = followed("tf_v1.py", tmp_path / "run", "branch")
    assert watched.final == alone.final
    assert "within a branch or a function of a graph are not seen." in watched.stderr


def test_an_imported_graph_is_said_not_to_be_seen(tmp_path):
    alone = plain("tf_v1.py", "imported")
    watched = followed("tf_v1.py", tmp_path / "run", "imported")
    assert watched.final == alone.final
    assert "Steps of a graph that was imported are not seen." in watched.stderr


def test_steps_that_a_session_runs_bit_by_bit_are_said_not_to_be_seen(tmp_path):
    alone, watched = plain("tf_partial.py"), followed("tf_partial.py", tmp_path / "run")
    assert watched.final == alone.final, watched.stderr
    assert "within tf.compat.v1.Session.partial_run are not seen" in watched.stderr
