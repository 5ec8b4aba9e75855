"""Tests of the page's tables."""

from gradclip.report import tables


def test_texts_are_escaped():
    assert "<b>" not in tables.table("<b>", ["<b>"], [["<b>", "<b>"]])


def test_the_tiles_show_the_test_accuracy_and_the_ratio(run):
    html = tables.tiles(run)
    assert "<dt>Test accuracy</dt><dd>93.1 %</dd>" in html
    assert "<dt>w1 / w2, start → end</dt><dd>1.33 → 0.5</dd>" in html


def test_the_norms_table_has_the_first_and_the_last_step(run):
    html = tables.norms_table("run", run)
    assert '<th scope="row">0</th>' in html
    assert '<th scope="row">3</th>' in html
    assert "<td>50 → 15</td>" in html


def test_a_comparison_has_a_row_for_each_run(run, broken_run):
    html = tables.comparison({"clip": run, "no-clip": broken_run})
    assert '<th scope="row">clip</th>' in html
    assert '<th scope="row">no-clip</th>' in html


def test_the_settings_show_arguments_as_they_are_typed(run):
    html = tables.settings({"run": run})
    assert '<th scope="row">hidden</th><td>256,128</td>' in html
