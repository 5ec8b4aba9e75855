"""Tests of the page in a real browser, where there is one."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gradclip.report.html import render_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
PROBE = Path(__file__).with_name("probe.js")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH"),
]


def look(runs, folder, width=1400, *, dark=False):
    """Open the page with the probe in front, and return what the probe found."""
    page = render_html(runs).replace(
        "<head>", f"<head><script>{PROBE.read_text(encoding='utf-8')}</script>", 1
    )
    path = folder / "probed.html"
    path.write_text(page, encoding="utf-8")
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *("--disable-quic", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}"),
        *(f"--window-size={width},1600", "--virtual-time-budget=5000"),
        *(f"--blink-settings=preferredColorScheme={0 if dark else 1}", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="findings">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize("width", [1400, 500])
def test_the_page_draws_every_chart_and_asks_for_nothing(run, tmp_path, width):
    findings = look({"run": run}, tmp_path, width)
    assert findings["errors"] == []
    assert findings["requests"] == []
    assert findings["blank"] == []
    assert findings["overflow"] <= 0


def test_the_page_is_dark_where_the_system_is(run, tmp_path):
    light, dark = (look({"run": run}, tmp_path, dark=dark) for dark in (False, True))
    assert light["background"] == "rgb(245, 246, 248)"
    assert dark["background"] == "rgb(14, 17, 22)"
    assert dark["errors"] == dark["blank"] == []


def test_the_page_answers_keys_clicks_and_numbers(run, tmp_path):
    findings = look({"run": run}, tmp_path)
    assert findings["tip"].split() == [
        *("step", "0", "before", "after", "scale", "limit"),
        *("run", "50", "15", "0.3", "15"),
    ]
    assert findings["lines"] == ["b1", "w2", "b2"]
    assert findings["range"] == ["0", "2"]


def test_a_comparison_with_broken_and_empty_runs_is_drawn(run, broken_run, empty_run, tmp_path):
    runs = {"clip": run, "</script>": broken_run, "empty": empty_run}
    findings = look(runs, tmp_path)
    assert findings["errors"] == []
    assert findings["blank"] == []
    assert "NaN" not in findings["tip"]
