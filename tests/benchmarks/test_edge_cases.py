"""The page of edge cases agrees with what its script gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORE = ROOT / "benchmarks" / "results" / "edge-cases.json"
PAGE = ROOT / "docs" / "edge-cases.md"
PEERS = {"torch", "tensorflow", "optax", "keras"}


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORE.read_text())["results"]


def python(*arguments):
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=quiet,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_is_made_of_the_stored_results():
    code = (
        "from benchmarks.edge_cases.__main__ import stored\n"
        "from benchmarks.edge_cases.page import render\n"
        "print(render(*stored()), end='')"
    )
    assert python("-c", code) == PAGE.read_text()


def test_the_results_cover_every_peer_and_gradclip_in_every_framework(stored):
    assert {name.split()[0] for name in stored} == {*PEERS, "gradclip"}
    rooms = {name.split()[1] for name in stored if name.startswith("gradclip")}
    assert rooms == {"numpy", "torch", "tensorflow", "jax", "keras"}


def test_gradclip_is_right_in_every_case_that_it_offers(stored):
    wrong = {
        (name, key): text
        for name, verdicts in stored.items()
        if name.startswith("gradclip")
        for key, (right, text) in verdicts.items()
        if not (right or (right is None and text == ""))
    }
    assert not wrong


def agree(again, stored):
    """Compare verdicts, and all that is said but counts of rounding errors, which CPUs vary."""
    for name, verdicts in again.items():
        for key, (right, text) in verdicts.items():
            assert right == stored[name][key][0], (name, key, text)
            if key not in {"count", "below", "equal"}:
                assert text == stored[name][key][1], (name, key)


@pytest.mark.long
def test_numpy_gives_what_is_stored(stored):
    agree(json.loads(python("-m", "benchmarks.edge_cases.run", "numpy")), stored)


@pytest.mark.long
@pytest.mark.torch
def test_torch_gives_what_is_stored(stored):
    agree(json.loads(python("-m", "benchmarks.edge_cases.run", "torch")), stored)
