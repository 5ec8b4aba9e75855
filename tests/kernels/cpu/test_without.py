"""Everything works without the C library, as where there was no compiler."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("package", "tests"),
    [("torch", "tests/torch/test_clip_grad.py"), ("numpy", "tests/numpy/test_statistics.py")],
)
def test_the_rooms_pass_their_tests(package, tests):
    pytest.importorskip(package)
    environment = {**os.environ, "GRADCLIP_NO_C": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", tests]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
