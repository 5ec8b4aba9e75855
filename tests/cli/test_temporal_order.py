"""Tests of the demo's second task."""

import pytest
from tests.cli.conftest import gradclip

from gradclip.record import read_run

TASK = ["demo", "--task", "temporal-order"]


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    folder = tmp_path_factory.mktemp("order") / "run"
    return gradclip(*TASK, "--steps", "5", "--length", "12", "--seed", "3", "--out", folder), folder


def test_clipping_is_compared_with_none_by_default(short):
    done, folder = short
    assert done.returncode == 0
    assert "clip: numpy" in done.stdout
    assert "6-50-4, global-norm=1" in done.stdout
    runs = [read_run(folder / name) for name in ("clip", "no-clip")]
    assert [len(run.steps) for run in runs] == [5, 5]
    assert runs[0].norms_before[0].tolist() == runs[1].norms_before[0].tolist()
    assert (folder / "report.html").exists()


def test_one_clipping_that_is_asked_for_is_trained_alone(tmp_path):
    done = gradclip(*TASK, "--steps", "2", "--clip", "zclip", "--out", tmp_path / "run")
    assert done.returncode == 0
    assert read_run(tmp_path / "run").metadata.policy == "zclip"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*TASK, "--depth", "3"], "got --depth"),
        ([*TASK, "--framework", "jax"], "got --framework"),
        ([*TASK, "--compare", "clip,native"], "compares clip and no-clip"),
        ([*TASK, "--length", "3"], "`length` must be a whole number >= 5"),
        (["demo", "--length", "30"], "--length belongs to --task temporal-order"),
    ],
)
def test_options_of_the_other_task_are_refused(arguments, message):
    done = gradclip(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
