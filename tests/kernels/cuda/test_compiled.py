"""The passes compile for devices that are not here, to what they are meant to be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Triton's compiler")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("triton"))}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, str(Path(__file__).with_name("compile_passes.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_for_every_generation(programs):
    assert {p["capability"] for p in programs} == {75, 80, 90, 100}
    assert all(p["bytes"] for p in programs)


def test_denormals_are_kept_and_roots_are_exact(programs):
    assert not any(p["flushes"] or p["approximates"] for p in programs)


def test_aligned_entries_are_loaded_by_fours(programs):
    assert all(p["wide_loads"] for p in programs if p["name"] != "finish")


def test_nothing_is_added_up_in_the_order_in_which_programs_end(programs):
    assert not any(p["atomics"] for p in programs)
