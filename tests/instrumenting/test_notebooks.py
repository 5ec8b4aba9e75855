"""Notebooks in a real kernel, and IPython: each cell may train, fail or be interrupted."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gradclip
from gradclip.instrumenting.launch import followed
from gradclip.instrumenting.settings import Settings
from tests.instrumenting.notebooks import Notebook
from tests.instrumenting.programs import TRAINING

pytestmark = pytest.mark.long
MODEL = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

def step():
    optimizer.zero_grad()
    loss = model(torch.ones(8, 4)).square().mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()

def train(steps):
    for _ in range(steps):
        step()
"""
ENDLESS = """
import time
number = 0
while True:
    step(number)
    time.sleep(0.001)
    number += 1
    if number == 5:
        print("five", flush=True)
"""
KERAS = """
import gradclip
gradclip.instrument(steps=3, quiet=True)
import keras, numpy as np
x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""


@contextlib.contextmanager
def notebook(folder, **environ):
    opened = Notebook(folder, **environ)
    try:
        yield opened
    finally:
        opened.close()


def ipython(folder, text, **environ):
    Path(folder, "train.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "IPython", "train.py"],
        cwd=folder,
        env={**os.environ, "IPYTHONDIR": str(folder / "ipython"), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.torch
def test_cells_that_train_make_one_run_which_is_told_of_when_it_is_closed(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell("import gradclip\nsession = gradclip.instrument()")
        opened.cell(MODEL)
        assert opened.cell("train(5)").stderr == ""
        assert opened.cell("train(2)\n1 / 0").error == "ZeroDivisionError"
        endless = "print('now', flush=True)\nwhile True: step()"
        assert opened.cell(endless, interrupt_at="now").error == "KeyboardInterrupt"
        opened.cell("train(3)")
        path = tmp_path / "runs" / "notebook-1"
        assert opened.cell("session").result.endswith(f"into {path}, open>")
        assert gradclip.read_run(path).status == "running"
        steps = int(opened.cell("print(session.steps)").stdout)
        shown = opened.cell("session.close()")
        assert f"{steps} steps" in shown.stderr
        assert shown.stdout == ""
        assert opened.cell("train(2)\nsession.close()").stderr == ""
        assert steps >= 10
    run = gradclip.read_run(path)
    assert (run.status, run.summary, run.metadata.program) == ("finished", None, "notebook")
    assert (run.metadata.arguments, len(run.steps)) == ({"argv": []}, steps)
    assert [p.name for p in run.metadata.parameters][:2] == ["0.weight", "0.bias"]
    assert set(run.limit) == {0.1}
    assert "gradclip" not in opened.terminal


@pytest.mark.torch
def test_a_cell_that_makes_the_model_again_begins_a_run_of_its_own(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell("import gradclip\nsession = gradclip.instrument()")
        for _ in range(2):
            opened.cell(MODEL)
            opened.cell("train(3)")
        shown = opened.cell("session.close()")
    names = ["notebook-1", "notebook-1-2"]
    runs = [gradclip.read_run(tmp_path / "runs" / name) for name in names]
    assert [run.steps.tolist() for run in runs] == [[0, 1, 2], [3, 4, 5]]
    assert runs[0].metadata.parameters == runs[1].metadata.parameters
    assert "notebook-1-2" in shown.stderr


def test_an_interrupted_cell_ends_nothing(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell(TRAINING)
        assert opened.cell(ENDLESS, interrupt_at="five").error == "KeyboardInterrupt"
        opened.cell("step(-1)\nsession.close()")
    run = gradclip.read_run(tmp_path / "runs" / "notebook-1")
    assert (run.status, run.loss[-1]) == ("finished", -1)


def test_the_error_of_a_block_is_its_runs(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell(TRAINING)
        shown = opened.cell("with session:\n    train(2)\n    raise ValueError('mine')")
    assert shown.error == "ValueError"
    assert "then it failed" in shown.stderr
    assert gradclip.read_run(tmp_path / "runs" / "notebook-1").status == "failed"


def test_the_steps_that_were_asked_for_end_the_cell_and_the_run(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell(TRAINING.replace("instrument()", "instrument(steps=3)"))
        opened.cell("train(2)")
        shown = opened.cell("train(9)\nprint('not here')")
        assert (shown.error, shown.stdout) == ("StopTraining", "")
        assert "3 steps" in shown.stderr
        assert "To exit" not in shown.stderr
        assert opened.cell("train(9)\nprint('here')").stdout == "here\n"
    assert len(gradclip.read_run(tmp_path / "runs" / "notebook-1").steps) == 3


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_run_begins_anew_after_the_steps_that_were_asked_for(tmp_path, backend):
    with notebook(tmp_path, KERAS_BACKEND=backend) as opened:
        opened.cell(KERAS)
        assert opened.cell("model.fit(x, y, batch_size=8, verbose=0)").error == "StopTraining"
        again = "gradclip.instrument(steps=5, quiet=True)\nmodel.fit(x, y, batch_size=8, verbose=0)"
        assert opened.cell(again).error == "StopTraining"
    runs = [gradclip.read_run(tmp_path / "runs" / f"notebook-{n}") for n in (1, 2)]
    assert [len(run.steps) for run in runs] == [3, 5]


def test_where_nothing_trained_closing_says_so(tmp_path):
    with notebook(tmp_path) as opened:
        opened.cell("import gradclip\nsession = gradclip.instrument()")
        assert "nothing was recorded" in opened.cell("session.close()").stderr


def test_a_kernel_that_restarts_leaves_a_run_that_is_told_of_in_its_terminal(tmp_path):
    with notebook(tmp_path, JPY_SESSION_NAME="/home/me/My model.ipynb") as opened:
        opened.cell(TRAINING)
        opened.cell("train(3)\n1 / 0")
        opened.restart()
        opened.cell(TRAINING)
        opened.cell("train(2)")
    assert opened.terminal.count("steps with") == 2
    runs = [gradclip.read_run(tmp_path / "runs" / f"My model-{number}") for number in (1, 2)]
    assert [len(run.steps) for run in runs] == [3, 2]
    assert [run.status for run in runs] == ["finished", "finished"]
    assert runs[0].metadata.program == "My model.ipynb"


def test_a_kernel_that_is_killed_has_interrupted_its_run(tmp_path):
    opened = Notebook(tmp_path)
    opened.cell(TRAINING)
    path = tmp_path / "runs" / "notebook-1"
    opened.cell(f"train(3)\nwhile len(gradclip.read_run({str(path)!r}).steps) < 3: pass")
    assert gradclip.read_run(path).status == "running"
    opened.close(now=True)
    assert gradclip.read_run(path).status == "interrupted"


@pytest.mark.parametrize(
    ("last", "code", "status"),
    [("", 0, "finished"), ("1 / 0", 1, "failed"), ("import sys; sys.exit(3)", 3, "failed")],
)
def test_a_script_in_ipython_is_followed_like_one_in_python(tmp_path, last, code, status):
    environ = followed(os.environ, Settings(out=str(tmp_path / "run")))
    done = ipython(tmp_path, f"{TRAINING}\ntrain(3)\n{last}", **environ)
    assert done.returncode == code, done.stdout + done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert (run.status, run.metadata.program, len(run.steps)) == (status, "train.py", 3)
    assert "3 steps" in done.stderr


def test_the_steps_that_were_asked_for_end_a_script_in_ipython(tmp_path):
    environ = followed(os.environ, Settings(out=str(tmp_path / "run"), steps=2))
    done = ipython(tmp_path, f"{TRAINING}\ntrain(3)\nprint('not here')", **environ)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(gradclip.read_run(tmp_path / "run").steps) == 2


def test_a_script_that_a_cell_runs_is_part_of_the_notebook(tmp_path):
    (tmp_path / "script.py").write_text("train(3)")
    with notebook(tmp_path) as opened:
        opened.cell(TRAINING)
        assert opened.cell("%run -i script.py").error is None
        assert "3 steps" in opened.cell("session.close()").stderr
