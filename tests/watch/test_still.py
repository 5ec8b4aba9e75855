"""Tests of the picture in lines of text."""

import io

import numpy as np
import pytest
from rich.console import Console
from tests.watch.conftest import WEIGHTS

import gradclip
from gradclip.record import Recorder, open_run
from gradclip.watch.look import look
from gradclip.watch.still import still


def printed(seen, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(still(seen, "my run", console))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_part_is_in_it_and_fits(seen, width):
    text = printed(seen, width)
    assert all(len(line) <= width for line in text.splitlines())
    for part in ("my run", "12 steps", "loss 0.0833", "norm 5 → 1", "weights", "first"):
        assert part in text


def test_a_run_without_a_step_is_a_picture_too(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS):
        text = printed(look(open_run(tmp_path / "run")), 80)
    assert "waiting for the first step" in text
    assert "Nothing unusual." in text


def test_of_many_layers_the_greatest_are_printed(tmp_path):
    weights = {f"w{i}": np.ones((1, 1)) for i in range(100)}
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
    with Recorder(tmp_path / "run", weights) as recorder:
        clipper([np.full((1, 1), float(i)) for i in range(100)], names=list(weights))
        recorder.record(clipper.report)
    text = printed(look(open_run(tmp_path / "run")), 100)
    assert "the 20 greatest of 100 layers" in text
    assert text.index("w99 ") < text.index("w98 ")
    assert "w79 " not in text.split("the 20 greatest")[0]
