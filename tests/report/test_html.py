"""Tests of the page as text."""

import re

import numpy as np
import pytest
from tests.report.conftest import write_run

from gradclip.errors import ConfigurationError, RunError
from gradclip.report.html import page_parts, render_html, write_html

TWO_MEGABYTES = 2_000_000


def test_the_page_asks_for_nothing(run):
    page = render_html({"run": run})
    elements = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", elements)
    assert "default-src 'none'" in page


def test_a_long_run_of_many_parameters_stays_below_two_megabytes(tmp_path):
    norms = np.random.default_rng(0).lognormal(-9, 9, size=(2000, 60))
    norms[1000:] = np.nan  # marks take space, too
    assert len(render_html({"run": write_run(tmp_path / "run", norms)}).encode()) < TWO_MEGABYTES


def test_two_thousand_layers_stay_below_two_megabytes(tmp_path):
    norms = np.random.default_rng(0).lognormal(-9, 9, size=(400, 2000))
    names = [f"transformer.h.{i // 12}.block.{i % 12}.weight" for i in range(2000)]
    run = write_run(tmp_path / "run", norms, names=names)
    for count in (1, 6):
        page = render_html({f"run {place}": run for place in range(count)})
        assert len(page.encode()) < TWO_MEGABYTES


def test_the_parts_have_nothing_inline():
    parts = page_parts()
    assert not re.search(r"<script|\son\w+=|\sstyle=", parts.body)
    own = parts.scripts["gradclip.js"]
    assert not re.search(r"\sstyle=|\beval\(|new Function|\son\w+=", own)
    assert "$" not in parts.body
    assert list(parts.scripts) == ["echarts.min.js", "gradclip.js"]


def test_names_cannot_break_the_page(tmp_path):
    name = "</script><script>alert(1)</script>"
    run = write_run(tmp_path / "run", [[1.0, 2.0]], names=[name, "w$title"], arguments={name: name})
    page = render_html({name: run})
    assert "<script>alert(1)" not in page
    assert "w$title" in page


def test_the_figures_can_be_read_without_scripts(run):
    page = re.sub(r"<script.*?</script>", "", render_html({"run": run}), flags=re.DOTALL)
    assert "93.1 %" in page
    assert "peaked at 50 (step 0)" in page
    assert "at the last step it was 2 times smaller than it" in page
    assert "<noscript>" in page


def test_every_chart_is_labelled_and_reachable(run):
    page = render_html({"run": run})
    charts = re.findall(r'<div class="chart[^>]*>', page)
    assert len(charts) == 7
    assert all('tabindex="0"' in chart and "aria-describedby" in chart for chart in charts)


def test_a_report_of_nothing_is_refused():
    with pytest.raises(ConfigurationError, match="at least one run, got none"):
        render_html({})


def test_a_page_that_cannot_be_written_says_so(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_html(tmp_path / "file" / "report.html", {"run": run})


def test_the_folder_of_the_page_is_made(run, tmp_path):
    path = write_html(tmp_path / "new" / "report.html", {"run": run})
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
