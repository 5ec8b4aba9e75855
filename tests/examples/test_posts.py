"""The posts' programs run, and show what their page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.tensorflow, pytest.mark.long]


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def mnist_output():
    return run("post_mnist_tensorflow.py", "--steps", "3")


def test_the_first_step_of_the_first_post_is_clipped_to_15(mnist_output):
    _, before, after = mnist_output.splitlines()[:3]
    norms = [[float(n) for n in re.findall(r" (\d+\.\d+)", line)] for line in (before, after)]
    total_before, total_after = (sum(n**2 for n in row) ** 0.5 for row in norms)
    assert total_before > 30
    assert total_after == pytest.approx(15, abs=1e-3)


def test_the_first_post_names_every_parameter(mnist_output):
    assert re.findall(r"[wb]\d", mnist_output.splitlines()[1]) == [
        "w1",
        "b1",
        "w2",
        "b2",
        "w3",
        "b3",
    ]


def test_the_second_post_clips_in_four_ways_with_sparse_gradients_and_none():
    page = (ROOT / "docs" / "posts.md").read_text()
    output = run("post_compute_apply.py")
    assert output.count("after the step") == 4
    assert output in page
