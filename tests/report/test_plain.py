"""Tests of the report as text and as Markdown."""

import numpy as np
from tests.report.conftest import write_run

from gradclip.report.plain import render_markdown, render_text


def test_text_has_words_figures_and_layers(run):
    lines = render_text({"run": run}).splitlines()
    assert lines[0] == "4 steps with PyTorch, clipped by global-norm=15"
    assert "* Clipping by global-norm=15 acted on 1 of 4 steps (25 %)." in lines
    assert ["Steps", "clipped", "1", "of", "4"] in map(str.split, lines)
    assert lines[-4].split() == ["w1", "4x4", "40", "1", "1", "40", "NaN"]


def test_markdown_has_the_same(run):
    text = render_markdown({"run": run})
    assert text.startswith("# 4 steps with PyTorch, clipped by global-norm=15\n")
    assert "| Steps clipped | 1 of 4 |" in text
    assert "| w1 | 4x4 | 40 | 1 | 1 | 40 | NaN |" in text


def test_several_runs_have_sections(run, broken_run):
    runs = {"clip": run, "no_clip": broken_run}
    assert "\nno_clip\n-------\n" in render_text(runs)
    assert "\n## no\\_clip\n" in render_markdown(runs)


def test_names_cannot_break_a_table(tmp_path):
    run = write_run(tmp_path / "run", [[1.0]], names=["w|<b>_*"])
    assert "| w\\|\\<b>\\_\\* |" in render_markdown({"run": run})


def test_of_many_layers_some_are_shown(tmp_path):
    run = write_run(tmp_path / "run", np.ones((1, 100)))
    text = render_text({"run": run})
    assert text.endswith("\n40 of 100 parameters; --format json has all.\n")
    assert len(text.splitlines()) < 70


def test_a_run_without_steps_is_told(empty_run):
    assert "No step was recorded" in render_text({"empty": empty_run})
    assert "No step was recorded" in render_markdown({"empty": empty_run})
