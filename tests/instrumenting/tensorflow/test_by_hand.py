"""TensorFlow programs without an optimizer, and Keras that TensorFlow only looks for."""

import pytest
from tests.instrumenting.harness import followed, plain

import gradclip

pytestmark = [pytest.mark.tensorflow, pytest.mark.long]


def test_updates_by_hand_are_said_not_to_be_seen(tmp_path):
    alone = plain("tf_by_hand.py")
    watched = followed("tf_by_hand.py", tmp_path / "run")
    assert watched.final == alone.final
    assert "tf.gradients computed gradients, and no optimizer" in watched.stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_keras_is_followed_though_its_spec_was_asked_for_before(tmp_path):
    watched = followed("tf_by_hand.py", tmp_path / "run", THEN_KERAS="1")
    assert watched.code == 0, watched.stderr
    assert len(gradclip.read_run(tmp_path / "run").steps) == 1
