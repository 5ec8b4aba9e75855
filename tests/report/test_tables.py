"""Tests of the page's tables."""

from tests.report.conftest import facts_of

from gradclip.report import tables
from gradclip.report.facts import gather


def test_texts_are_escaped():
    assert "<b>" not in tables.table("<b>", ["<b>"], [["<b>", "<b>"]])


def test_the_tiles_show_the_test_accuracy_and_the_ratio(facts):
    html = tables.summary([facts])
    assert "<dt>Test accuracy</dt><dd>93.1 %</dd>" in html
    assert "<dt>w1 / w2, start → end</dt><dd>1.33 → 0.5</dd>" in html


def test_the_layers_table_has_the_first_and_the_last_step(facts):
    html = tables.layers_table(facts)
    assert '<th scope="row">w1</th><td>40</td><td>1</td>' in html


def test_a_comparison_has_a_row_for_each_run(run, broken_run):
    html = tables.summary([gather("clip", run), gather("no-clip", broken_run)])
    assert '<th scope="row">clip</th>' in html
    assert '<th scope="row">no-clip</th>' in html


def test_the_settings_show_arguments_as_they_are_typed(facts):
    html = tables.settings_table([facts])
    assert '<th scope="row">hidden</th><td>256,128</td>' in html


def test_what_went_wrong_has_a_tile(tmp_path):
    run = facts_of(tmp_path / "run", [[1.0]], lost=3, skipped=True)
    assert tables.tiles(run)["Not recorded"] == "3 steps"
    assert tables.tiles(run)["Skipped"] == "1 step"
