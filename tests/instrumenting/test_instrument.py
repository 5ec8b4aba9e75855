"""Tests of `gradclip.instrument`, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gradclip
import gradclip.instrumenting.instrument as module
from tests.instrumenting.programs import TRAINING


def python(folder, text):
    Path(folder, "train.py").write_text(text)
    return subprocess.run(
        [sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_docstrings_example_runs():
    code = "import doctest, sys; from importlib import import_module as load;"
    code += f"sys.exit(doctest.testmod(load({module.__name__!r})).failed)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_function_stays_one_when_its_room_is_loaded():
    done = subprocess.run(
        [sys.executable, "-c", "import gradclip.instrumenting.session; gradclip.instrument"],
        check=False,
    )
    assert done.returncode == 0
    assert callable(gradclip.instrument)


def test_a_script_is_recorded_by_its_first_line(tmp_path):
    done = python(tmp_path, TRAINING + "train(3); print(session)")
    assert "3 steps" in done.stderr
    path = tmp_path / "runs" / "train-1"
    assert done.stdout == f"<gradclip session: 3 steps into {path}, open>\n"
    assert gradclip.read_run(path).loss.tolist() == [0, 1, 2]


def test_it_ends_with_the_block(tmp_path):
    text = TRAINING + (
        "with session:\n    train(2)\n    assert gradclip.instrument() is session\n"
        "print(gradclip.read_run('runs/train-1').status, session.closed); train(5)"
    )
    done = python(tmp_path, text)
    assert done.stdout == "finished True\n", done.stderr
    assert len(gradclip.read_run(tmp_path / "runs" / "train-1").steps) == 2


def test_a_closed_session_is_opened_again(tmp_path):
    text = TRAINING + (
        "train(2); session.close()\nassert gradclip.instrument(every=2) is session\ntrain(3)"
    )
    done = python(tmp_path, text)
    assert done.returncode == 0, done.stderr
    lengths = {p.name: len(gradclip.read_run(p).steps) for p in (tmp_path / "runs").glob("*")}
    assert lengths == {"train-1": 2, "train-2": 2}


def test_other_settings_are_refused_while_it_is_open(tmp_path):
    done = python(tmp_path, TRAINING + "gradclip.instrument(every=2)")
    assert "ConfigurationError: This process is followed already" in done.stderr


def test_a_used_directory_is_refused(tmp_path):
    done = python(tmp_path, "import gradclip; gradclip.instrument(out='.')")
    assert "RunError: A run must go into a new or empty folder" in done.stderr


def test_a_failed_cell_before_is_not_how_the_run_ended(tmp_path):
    text = TRAINING + "import sys; sys.ps1 = '>>> '; sys.last_value = ValueError(); train(2)"
    assert python(tmp_path, text).returncode == 0
    assert gradclip.read_run(tmp_path / "runs" / "train-1").status == "finished"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_where_nothing_trained_one_process_says_so(tmp_path):
    text = "import gradclip, os; gradclip.instrument(); os.fork() and os.wait()"
    assert python(tmp_path, text).stderr.count("nothing was recorded") == 1


def test_frameworks_that_are_there_already_are_instrumented_at_once(tmp_path):
    (tmp_path / "jax.py").write_text("value = 1")
    done = python(
        tmp_path,
        "import jax, sys, gradclip\n"
        "session = gradclip.instrument(quiet=True)\n"
        "print('gradclip.instrumenting.jax' in ' '.join([*sys.modules, *session.notes]))",
    )
    assert done.stdout == "True\n", done.stderr
