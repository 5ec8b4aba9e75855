"""Tests of whether the process that writes a run is still there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradclip.record.process import is_gone, this_process

_TOLD = "import json; from gradclip.record.process import this_process as p; print(json.dumps(p()))"


def ended():
    """What a process told that has ended since."""
    done = subprocess.run([sys.executable, "-c", _TOLD], capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="who writes is not asked after there")
def test_a_process_that_has_ended_is_gone():
    assert is_gone(ended())
    assert not is_gone(this_process())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="told by Linux alone")
def test_another_process_with_its_number_is_not_that_process():
    assert is_gone({**this_process(), "began": "1"})


def test_of_another_machine_nothing_is_known():
    assert not is_gone({**ended(), "machine": "elsewhere"})


@pytest.mark.parametrize("held", [None, "text", {}, {"pid": "x"}])
def test_what_no_process_told_is_not_gone(held):
    given = {**this_process(), **held} if isinstance(held, dict) and held else held
    assert not is_gone(given)
