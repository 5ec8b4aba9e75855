"""Programs of others: what prepares, edits, judges and shows them, on a program made here."""

import json

import pytest
from benchmarks.programs import data
from benchmarks.programs.__main__ import measure
from benchmarks.programs.catalogue import PROGRAMS
from benchmarks.programs.judge import compare
from benchmarks.programs.notebooks import as_script
from benchmarks.programs.page import render
from benchmarks.programs.program import Edit, Program, Source

import gradclip

PROGRAM = """\
import torch

model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    loss = model(torch.ones(4, 3)).square().mean()
    loss.backward()
    optimizer.step()
print("loss", loss.item())
"""
SHOW = "_shown.step(loss, _shown.norms(model.named_parameters()))"


@pytest.mark.long
@pytest.mark.torch
def test_a_program_is_run_in_all_ways_and_judged(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/train.py").write_text(PROGRAM)
    program = Program(
        name="theirs",
        source=Source("gradclip (installed)", "theirs", "train.py"),
        edits=(Edit("    loss.backward()\n", f"    loss.backward()\n    {SHOW}\n"),),
        environ={"PROGRAMS_SEED": "1"},
    )
    row = measure(program, tmp_path, 1)
    assert row.get("failed") is None
    assert (row["steps"], row["names"], row["output_same"]) == (5, True, True)
    assert row["last_loss_same"]
    assert max(row["loss"], row["before"], row["after"], row["each"]) < 1e-6
    assert "| word_language_model, LSTM, updates by hand | 5 | all 2 |" in render({"lstm": row})


def test_what_is_wrong_is_judged_wrong(tmp_path):
    np = pytest.importorskip("numpy")
    clipper = gradclip.numpy.Clipper("global-norm=1")
    with gradclip.Recorder(tmp_path / "run", {"w": np.zeros(2)}) as recorder:
        clipper([np.array([3.0, 4.0])], names=["w"])
        recorder.record(clipper.report, loss=2.0)
    shown = {"loss": 2.5, "before": {"v": 5.0}, "after": {"v": 5.0}}
    (tmp_path / "shown").write_text(json.dumps(shown) + "\n")
    row = compare(tmp_path / "run", tmp_path / "shown")
    assert not row["names"]
    assert not row["last_loss_same"]
    assert (row["loss"], row["before"], row["after"]) == (pytest.approx(0.2), 0, 0.8)
    assert "**failed**: at last" in render(
        {"lstm": {**row, "commit": "", "place": "", "failed": "at last"}}
    )


def test_a_notebook_s_cells_are_a_program(tmp_path):
    cells = [
        {"cell_type": "code", "source": ["%%time\n", "N = 50_000  # @param{}\n", "print(N)"]},
        {"cell_type": "markdown", "source": ["words"]},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    assert as_script(tmp_path / "a.ipynb", {"N": "3"}) == "\nN = 3  # @param{}\nprint(N)\n"
    with pytest.raises(ValueError, match="no field M"):
        as_script(tmp_path / "a.ipynb", {"M": "3"})


def test_mnist_is_as_keras_expects_it(tmp_path):
    np = pytest.importorskip("numpy")
    data.mnist(tmp_path, tmp_path)
    with np.load(tmp_path / "keras/datasets/mnist.npz") as file:
        assert file["x_train"].shape == (13_200, 28, 28)
        assert file["y_test"].max() == 9


def test_every_program_says_where_it_comes_from():
    assert all(program.source.repository and program.edits for program in PROGRAMS.values())
