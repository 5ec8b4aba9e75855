"""Tests of the command itself: fast, helpful, clear about mistakes."""

import os
import subprocess
import sys

import pytest
from tests.cli.conftest import gradclip

from gradclip import __version__

HEAVY = ["numpy", "rich", "textual", "pooch", "torch", "tensorflow", "jax", "keras"]


def test_the_version_is_printed():
    assert gradclip("--version").stdout == f"gradclip {__version__}\n"


def test_help_names_every_command():
    done = gradclip("--help")
    assert done.returncode == 0
    assert "demo      Train a small network" in done.stdout
    assert "report    Tell what a run did" in done.stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from gradclip.cli.main import main; main(['--help'], standalone_mode=False);"
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout


def test_an_unknown_command_suggests_the_nearest():
    done = gradclip("dmeo")
    assert done.returncode == 2
    assert "No such command 'dmeo'. Did you mean 'demo'?" in done.stderr


def test_a_command_like_no_other_gets_them_all():
    there = "There are: demo, export, policies, replay, report, run, serve, watch."
    assert there in gradclip("xyzzy").stderr


def test_an_unknown_option_suggests_the_nearest():
    done = gradclip("demo", "--step", "3")
    assert done.returncode == 2
    assert "No such option '--step'. Did you mean '--steps'?" in done.stderr


def test_a_wrong_value_is_one_message_without_a_traceback():
    done = gradclip("demo", "--clip", "global-nrom=15")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: A clipping must be one of global-norm=NUMBER")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("given", "kept"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_numpys_threads_are_settled_before_it_is_loaded(given, kept):
    code = (
        "import os, sys; from gradclip.cli.main import main; print('numpy' in sys.modules);"
        "main(['demo', '--help'], standalone_mode=False);"
        "print('numpy' in sys.modules, os.environ['OPENBLAS_NUM_THREADS'])"
    )
    unset = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unset | given
    )
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("False", f"True {kept}")
