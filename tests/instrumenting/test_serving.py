"""Tests of the live page beside training."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gradclip.instrumenting.launch import followed
from gradclip.instrumenting.settings import Settings
from tests.instrumenting.programs import TRAINING

# It trains on for each line that it is sent.
PROGRAM = TRAINING + "import sys\ntrain(3)\nfor line in sys.stdin: step(int(line))\n"


def ask(address):
    with urllib.request.urlopen(f"{address}api/runs", timeout=20) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("end", ["close", "kill"])
def test_the_page_lasts_as_long_as_training(tmp_path, end):
    (tmp_path / "train.py").write_text(PROGRAM)
    settings = Settings(out=str(tmp_path / "runs" / "mine"), serve=True, quiet=True)
    training = subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=tmp_path,
        env=followed(os.environ, settings),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = training.stderr.readline()
    address = re.search(r"http://\S+", line)[0]
    assert line == f"gradclip run: runs below {Path(settings.out).parent}: {address}\n"
    assert '"path":"mine"' in ask(address)
    if end == "kill":
        training.kill()
    training.communicate(timeout=30)
    # Standard error ends when the server has, which holds it too.
    with pytest.raises(urllib.error.URLError):
        ask(address)
