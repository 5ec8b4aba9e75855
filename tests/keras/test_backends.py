"""Keras takes one backend a process, so that the other backends get processes of their own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.keras

HERE = pathlib.Path(__file__).parent
NAMES = [
    "test_functional.py",
    "test_optimizer.py",
    "test_clipped.py",
    "test_clipper.py",
    "test_compiled.py",
    "test_inner.py",
    "test_statistics.py",
    "test_moments.py",
    "test_record.py",
]
FILES = [str(HERE / name) for name in NAMES]


@pytest.mark.long
@pytest.mark.parametrize("backend", ["torch", "jax", "numpy", "tensorflow"])
def test_the_same_tests_pass_on_every_backend(backend):
    for package in ("keras", backend):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", *FILES]
    done = subprocess.run(
        command,
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
