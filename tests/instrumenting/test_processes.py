"""Tests of programs of several processes: each that trains leaves its own run."""

import os

import pytest

from tests.instrumenting.programs import TRAINING, losses, start

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs fork")

HOGWILD = """
import multiprocessing

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=train, args=(3,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print([child.exitcode for child in children])
"""
WORKERS = """
import multiprocessing

def load(index):
    return index * 2

if __name__ == "__main__":
    train(2)
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.map(load, range(4)))
    for number in (2, 3):
        step(number)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_child_that_trains_leaves_a_run(tmp_path, method):
    done = start(tmp_path, TRAINING + HOGWILD.format(method=method))
    assert done.stdout == "[0, 0]\n", done.stderr
    assert losses(tmp_path) == {"run": [0, 1, 2], "run-2": [0, 1, 2]}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_do_not_train_leave_nothing(tmp_path, method):
    done = start(tmp_path, TRAINING + WORKERS.format(method=method))
    assert done.stdout == "[0, 2, 4, 6]\n", done.stderr
    assert losses(tmp_path) == {"run": [0, 1, 2, 3]}
    assert done.stderr.count("steps with") == 1


def test_a_fork_of_training_that_trains_on_leaves_its_own_run(tmp_path):
    fork = """
import os
train(2)
if os.fork():
    os.wait()
    step(2)
else:
    train(4)
"""
    done = start(tmp_path, TRAINING + fork)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path) == {"run": [0, 1, 2], "run-2": [0, 1, 2, 3]}


def test_what_a_program_starts_is_followed_too(tmp_path):
    again = """
import subprocess, sys
train(2)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "again"], check=True)
"""
    done = start(tmp_path, TRAINING + again)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path) == {"run": [0, 1], "run-2": [0, 1]}


def test_other_ranks_count_their_steps_and_say_nothing(tmp_path):
    rank = "import os; train(3, rank=int(os.environ['RANK']), world=2); print(session.steps)"
    for number in ("0", "1"):
        done = start(tmp_path, TRAINING + rank, environ={"RANK": number})
        assert done.stdout == "3\n", done.stderr
        assert ("3 steps" in done.stderr) == (number == "0")
    assert losses(tmp_path) == {"run": [0, 1, 2]}
