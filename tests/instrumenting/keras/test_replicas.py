"""Keras under `tf.distribute`: what is recorded, and what is said not to be."""

import pytest
from tests.instrumenting.harness import check_followed, followed, plain

import gradclip

pytestmark = [pytest.mark.keras, pytest.mark.long]


@pytest.mark.parametrize("strategy", ["mirrored", "one"])
@pytest.mark.parametrize("mode", ["fit", "loop"])
def test_training_on_one_device_is_recorded(mode, strategy, tmp_path, given):
    given(MODE=mode, STRATEGY=strategy)
    run = check_followed("keras_replicas.py", tmp_path / "run", rtol=1e-3)
    assert run.updates.steps.tolist() == [10]


@pytest.mark.parametrize("mode", ["fit", "loop"])
def test_of_several_replicas_it_is_said_that_the_first_is_seen(mode, tmp_path, given):
    given(MODE=mode, DEVICES="2")
    alone = plain("keras_replicas.py")
    watched = followed("keras_replicas.py", tmp_path / "run", GRADCLIP_RUN_CLIP="global-norm=3")
    assert watched.final == alone.final, watched.stderr
    assert "A tf.distribute.Strategy trains several replicas" in watched.stderr
    assert "--clip is not applied where" in watched.stderr
    assert len(gradclip.read_run(tmp_path / "run").steps) == 12


def test_an_optimizer_of_tensorflow_1_is_said_not_to_be_seen(tmp_path, given):
    given(MODE="v1")
    alone, watched = plain("keras_replicas.py"), followed("keras_replicas.py", tmp_path / "run")
    assert watched.final == alone.final, watched.stderr
    assert "under a tf.distribute.Strategy are not seen" in watched.stderr
