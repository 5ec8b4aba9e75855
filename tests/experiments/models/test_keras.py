"""Tests of the Keras network on the backends that a test session does not have."""

import os
import subprocess
import sys

import pytest

from gradclip.experiments import Experiment, Training

pytestmark = [pytest.mark.keras, pytest.mark.slow]

_PROGRAM = """
import sys
from gradclip.experiments import Experiment, Training, load_mnist
training = Training(Experiment(framework=sys.argv[1], steps=3), load_mnist())
for record in training.steps():
    print(record.loss, record.global_norm_before, record.global_norm_after)
"""


def run(framework, backend):
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, framework],
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_backend_trains_the_same(backend, mnist):
    pytest.importorskip("keras")
    pytest.importorskip(backend)
    training = Training(Experiment(framework="numpy", steps=3), mnist)
    process = run("keras", backend)
    assert process.returncode == 0, process.stderr
    for line, record in zip(process.stdout.splitlines(), training.steps(), strict=True):
        expected = [record.loss, record.global_norm_before, record.global_norm_after]
        assert [float(number) for number in line.split()] == pytest.approx(expected, rel=1e-4)


@pytest.mark.tensorflow
def test_tensorflow_says_when_keras_computes_with_something_else():
    pytest.importorskip("tensorflow")
    process = run("tensorflow", "jax")
    assert "Set KERAS_BACKEND=tensorflow before Python starts" in process.stderr
