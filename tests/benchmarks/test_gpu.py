"""The GPU's benchmark runs, or says why not."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("torch")


def run(*arguments):
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.gpu", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["CUDA_VISIBLE_DEVICES"] = ""
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_gpu_it_says_so():
    done = run()
    assert (done.returncode, done.stdout) == (0, "not run: no GPU\n")


@pytest.mark.skipif(
    find_spec("triton") is None or find_spec("tensorflow") is not None,
    reason="needs Triton, in an environment without TensorFlow",
)
def test_every_part_runs_in_the_interpreter(tmp_path):
    done = run("--smoke", "--results", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "gpu-smoke.md").read_text()
    for title in ("Reading", "tiny, float32, clipping", "tiny, float32, fused AdamW"):
        assert f"## {title}" in page
    assert (tmp_path / "gpu-smoke.json").exists()
