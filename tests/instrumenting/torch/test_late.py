"""What imports PyTorch and does not train pays for next to nothing."""

import os
import subprocess
import sys

import pytest

from tests.instrumenting.harness import START

pytestmark = pytest.mark.torch


def test_importing_pytorch_loads_nothing_that_only_training_needs(tmp_path):
    program = (
        "import sys, torch\n"
        "late = ('torch._dynamo', 'gradclip.torch', 'numpy.random')\n"
        "loaded = [name for name in late if name in sys.modules]\n"
        "print(loaded, 'gradclip.instrumenting.torch' in sys.modules)"
    )
    given = {**os.environ, "PYTHONPATH": str(START), "GRADCLIP_RUN_OUT": str(tmp_path / "run")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    alone = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("]")[0] == alone.stdout.split("]")[0]
    assert "True" in done.stdout, done.stderr
    assert not (tmp_path / "run").exists()
