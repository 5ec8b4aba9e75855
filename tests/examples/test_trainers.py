"""The examples with trainers run, clip, and say so."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [pytest.mark.torch, pytest.mark.trainers, pytest.mark.long]
NORMS = re.compile(r"norm (\d+\.\d+) -> (\d+\.\d+)")


def run(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lightning_trains_with_clipped_gradients():
    output = run("lightning_clip.py")
    before, after = map(float, NORMS.search(output).groups())
    assert after < before
    assert float(re.search(r"loss +(\d+\.\d+)", output)[1]) < 0.05  # of 0.25 at first


def test_transformers_trains_with_clipped_gradients():
    output = run("transformers_clip.py")
    losses = [float(loss) for loss in re.findall(r"'loss': '(\d+\.\d+)'", output)]
    assert losses[-1] < losses[0] < math.log(256) + 0.1
    assert "'grad_norm_clipped'" in output
    before, after = map(float, NORMS.search(output).groups())
    assert after < before


def test_accelerate_trains_with_clipped_gradients():
    output = run("accelerate_clip.py")
    number, of = map(int, re.match(r"(\d+) of (\d+) steps", output).groups())
    assert 0 < number < of == 64
    before, after = map(float, NORMS.search(output).groups())
    assert after < before


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*_clip.py")), ids=lambda path: path.name)
def test_an_example_is_read_at_a_glance(path):
    assert len(path.read_text().splitlines()) < 60
