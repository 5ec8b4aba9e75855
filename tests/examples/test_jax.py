"""The examples with optax and Flax run, clip, and say so."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [pytest.mark.jax, pytest.mark.long]
NORMS = re.compile(r"norm (\d+\.?\d*) -> (\d+\.?\d*)")
LOSSES = re.compile(r"loss (\d+\.\d+) -> (\d+\.\d+)")


def run(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_optax_trains_with_clipped_gradients_and_drops_the_bad_step():
    output = run("optax_clip.py")
    number = int(re.match(r"(\d+) of 300 steps were clipped, 1 was skipped", output)[1])
    assert 0 < number < 60
    before, after = map(float, NORMS.search(output).groups())
    assert after < before / 10
    first, last = map(float, LOSSES.search(output).groups())
    assert last < first / 2


@pytest.mark.skipif(importlib.util.find_spec("flax") is None, reason="Flax is not installed")
def test_flax_trains_with_clipped_gradients():
    output = run("flax_clip.py")
    before, after = map(float, NORMS.search(output).groups())
    assert after < before
    first, last = map(float, LOSSES.search(output).groups())
    assert last < first / 2
    assert "hidden.kernel" in output
