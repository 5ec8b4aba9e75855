"""How programs end: what their runs say of it, and that all else is as it is without us."""

import os
import signal

import pytest

import gradclip
from tests.instrumenting.programs import TRAINING, losses, start

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")
LOOP = """
number = 0
while number < 9:
    number += 1
    try:
        step(number)
    except:
        print("caught", number)
print(session.closed)
"""


def ending(folder):
    run = gradclip.read_run(folder / "runs" / "run")
    return run.status, (run.summary or {}).get("error")


@pytest.mark.parametrize(
    ("last", "code", "ended"),
    [
        ("sys.exit(3)", 3, ("failed", "SystemExit: 3")),
        ("exit(3)", 3, ("failed", "SystemExit: 3")),
        ("sys.exit('message')", 1, ("failed", "SystemExit: message")),
        ("sys.exit()", 0, ("finished", None)),
        ("sys.exit(0)", 0, ("finished", None)),
        ("raise SystemExit(0)", 0, ("finished", None)),
        ("raise ValueError('mine')", 1, ("failed", "ValueError: mine")),
        ("os.kill(os.getpid(), signal.SIGINT)", -2, ("interrupted", None)),
    ],
)
def test_a_run_says_how_its_program_ended(tmp_path, last, code, ended):
    done = start(tmp_path, TRAINING + f"import os, signal, sys\ntrain(3)\n{last}")
    assert (done.returncode, ending(tmp_path)) == (code, ended), done.stderr
    assert losses(tmp_path) == {"run": [0, 1, 2]}


@pytest.mark.parametrize(
    "caught",
    [
        "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass",
        "try:\n    sys.exit(3)\nexcept SystemExit as error:\n    print(error)\nsys.exit(0)",
        "import threading; t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()",
    ],
)
def test_an_exit_that_the_program_catches_is_none(tmp_path, caught):
    done = start(tmp_path, TRAINING + f"import sys\ntrain(3)\n{caught}")
    assert (done.returncode, ending(tmp_path)) == (0, ("finished", None))


def test_an_exit_that_was_imported_by_name_is_seen(tmp_path):
    done = start(tmp_path, "from sys import exit as leave\n" + TRAINING + "train(3)\nleave(3)")
    assert (done.returncode, ending(tmp_path)) == (3, ("failed", "SystemExit: 3"))


def test_an_exit_keeps_nothing_of_the_program_alive(tmp_path):
    text = """
import sys

class Model:
    def __del__(self):
        print("gone")

def main():
    model = Model()
    train(2)
    sys.exit(3)

import atexit
atexit.register(print, "at exit")
main()
"""
    done = start(tmp_path, TRAINING + text)
    assert done.stdout == "gone\nat exit\n"
    assert ending(tmp_path) == ("failed", "SystemExit: 3")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_that_fails_says_so_in_its_run(tmp_path, method):
    text = f"""
import multiprocessing, sys

def fail(way):
    train(2)
    sys.exit(way) if way == 3 else 1 / 0

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    for way in (3, "error"):
        child = context.Process(target=fail, args=(way,))
        child.start()
        child.join()
        print(child.exitcode)
"""
    done = start(tmp_path, TRAINING + text)
    assert done.stdout == "3\n1\n"
    found = [gradclip.read_run(path) for path in sorted((tmp_path / "runs").glob("*"))]
    assert [run.status for run in found] == ["failed", "failed"]
    errors = [run.summary["error"] for run in found]
    assert errors == ["SystemExit: 3", "ZeroDivisionError: division by zero"]


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("os._exit(0)", 0),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_a_process_that_ends_at_once_was_interrupted(tmp_path, last, code):
    text = f"""
import os, signal
train(3)
while len(gradclip.read_run(session.paths[-1]).steps) < 3:
    pass
print(gradclip.read_run(session.paths[-1]).status, flush=True)
{last}
"""
    done = start(tmp_path, TRAINING + text)
    assert (done.returncode, done.stdout) == (code, "running\n")
    assert ending(tmp_path) == ("interrupted", None)
    assert losses(tmp_path) == {"run": [0, 1, 2]}


def test_a_program_that_catches_its_end_again_and_again_is_let_go(tmp_path):
    done = start(tmp_path, TRAINING + LOOP, steps=2)
    assert done.stdout == "caught 2\ncaught 3\ncaught 4\nTrue\n"
    assert losses(tmp_path) == {"run": [1, 2, 3, 4, 5]}
    assert "note           The program caught what was to end it after 2 steps" in done.stderr
    assert ending(tmp_path) == ("finished", None)


def test_a_program_that_catches_its_end_once_ends_at_the_next_step(tmp_path):
    done = start(tmp_path, TRAINING + "try: train(9)\nexcept: pass\ntrain(9)", steps=2)
    assert done.returncode == 0
    assert losses(tmp_path) == {"run": [0, 1, 0]}
    assert "caught" not in done.stderr
