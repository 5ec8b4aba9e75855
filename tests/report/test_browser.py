"""Tests of the page in a real browser."""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.browser import browser, visit  # noqa: F401 - a fixture
from tests.report.conftest import write_run

from gradclip.report.html import page_parts, render_html
from gradclip.report.view import view_run

pytestmark = pytest.mark.slow

BLANK = """() => [...document.querySelectorAll("figure:not([hidden]) .chart")].filter((chart) => {
  const canvas = chart.querySelector("canvas");
  if (!canvas) return true;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return !data.some((value) => value !== 0);
}).map((chart) => chart.id)"""


# What is not on the screen is drawn a little later.
DRAWN = "#charts[aria-busy=false]"


@pytest.fixture
def look(browser, tmp_path):  # noqa: F811
    """Open the page of some runs; in the end nothing may have gone wrong or been asked for."""
    opened = []
    address = (tmp_path / "page.html").as_uri()
    with ExitStack() as stack:

        def open_page(runs, **options):
            (tmp_path / "page.html").write_text(render_html(runs), encoding="utf-8")
            opened.append(stack.enter_context(visit(browser, address, **options)))
            opened[-1].page.wait_for_selector(DRAWN)
            return opened[-1].page

        yield open_page
        for seen in opened:
            assert (seen.errors, seen.requests) == ([], [address])


@pytest.fixture
def take(tmp_path):
    """Keep a picture of a whole page for people to look at."""
    folder = Path(os.environ.get("GRADCLIP_SCREENSHOTS") or tmp_path)

    def keep(page, name):
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return keep


def hover(page, selector, across, down):
    """Point into an element at shares of its size."""
    place = page.locator(selector)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)


@pytest.fixture
def trained(tmp_path):
    """A run of forty steps of three layers, with a spike, a skipped step and updates."""
    rng = np.random.default_rng(0)
    norms = np.geomspace(0.5, 20, 6) * rng.lognormal(sigma=0.2, size=(40, 6))
    norms[25] *= 20
    return write_run(
        tmp_path / "trained",
        norms,
        skipped=lambda step: step == 25,
        weight_norms=lambda step: (10.0,) * 6 if step % 4 == 0 else None,
        update_norms=lambda step: (0.02, 0.01) * 3 if step % 4 == 0 else None,
    )


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_draws_every_chart_at_any_width_and_in_the_dark(look, take, trained, width, dark):
    page = look({"run": trained}, width=width, dark=dark)
    take(page, f"run-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate(BLANK) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    colors = {False: "rgb(245, 246, 248)", True: "rgb(14, 17, 22)"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colors[dark]


def test_the_keys_walk_through_the_steps(look, run):
    page = look({"run": run})
    page.focus("#norm")
    page.keyboard.press("Home")
    assert page.inner_text("#norm .tip").split() == [
        *("step", "0", "before", "after", "scale", "limit"),
        *("run", "50", "15", "0.3", "15", "clipped"),
    ]
    page.keyboard.press("End")
    assert page.inner_text("#norm .tip").startswith("step 3")
    page.wait_for_function("document.getElementById('reading').textContent.includes('step 3')")


def test_the_heat_map_says_what_is_under_the_pointer(look, trained):
    page = look({"run": trained})
    hover(page, "#layers", 0.6, 0.2)
    assert "w1, step" in page.inner_text("#layers .tip")
    assert "norm before" in page.inner_text("#layers .tip")


def test_the_heat_map_switches_between_before_after_and_update(look, trained):
    page = look({"run": trained})
    assert page.inner_text("#kind [aria-pressed=true]") == "before clipping"
    for title, unit in (("after clipping", "norm after"), ("update", "norm of the update")):
        page.click(f"#kind >> text={title}")
        assert page.inner_text("#kind [aria-pressed=true]") == title
        hover(page, "#layers", 0.6, 0.2)
        assert unit in page.inner_text("#layers .tip")


def test_without_updates_there_is_nothing_to_switch_to(look, run):
    page = look({"run": run})
    assert page.locator("#kind button").all_inner_texts() == [
        "before clipping",
        "after clipping",
    ]
    assert not page.is_visible("#updates-figure")


def test_the_slider_says_what_a_threshold_would_have_clipped(look, run):
    page = look({"run": run})
    assert page.inner_text("#threshold-text").startswith(
        "With a threshold of 15, 25 % of the recorded"
    )
    page.focus("#threshold-range")
    page.keyboard.press("End")
    assert "0 % of the recorded steps (0 of 4) would have been clipped" in page.inner_text(
        "#threshold-text"
    )
    page.keyboard.press("Home")
    assert "100 % of the recorded steps (4 of 4)" in page.inner_text("#threshold-text")


def test_the_profile_follows_the_chosen_step(look, trained):
    page = look({"run": trained})
    page.focus("#profile-range")
    page.keyboard.press("Home")
    assert page.inner_text("#profile-text") == "step 0"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#profile-text") == "step 1"


def test_parameters_and_steps_are_chosen(look, run):
    page = look({"run": run})
    page.locator("#choice [aria-pressed=true]").first.click()
    assert page.locator("#choice [aria-pressed=true]").all_inner_texts() == ["b1", "w2", "b2"]
    page.fill("#to", "2")
    page.keyboard.press("Tab")
    assert [page.input_value(f"#{end}") for end in ("from", "to")] == ["0", "2"]
    page.click("text=All steps")
    assert page.input_value("#to") == "3"


def test_the_table_is_searched_and_sorted(look, run):
    page = look({"run": run})
    names = page.locator("#layers-table tbody th")
    assert names.all_inner_texts() == ["w1", "b1", "w2", "b2"]
    page.fill("#search-text", "B")
    assert names.all_inner_texts() == ["b1", "b2"]
    assert page.inner_text("#search-count") == "2 found"
    page.fill("#search-text", "")
    page.click("#layers-table >> text=Last step")
    assert names.all_inner_texts()[0] == "w2"
    assert page.evaluate("document.activeElement.textContent") == "Last step ↓"


def test_runs_are_compared_and_hidden(look, take, run, broken_run, empty_run):
    page = look({"clip": run, "</script>": broken_run, "empty": empty_run})
    take(page, "compare")
    assert page.inner_text("h1") == "clip, </script> and empty compared"
    assert page.evaluate(BLANK) == []
    assert "NaN" not in page.inner_text("#threshold-text")
    chips = page.locator("#runs button")
    for place in (0, 1, 2):
        chips.nth(place).click()
    assert page.locator("#runs [aria-pressed=true]").count() == 1
    page.select_option("#table-run", "</script>")
    assert page.locator("#layers-table tbody th").all_inner_texts() == ["w1", "w2"]


def test_names_are_text_and_never_markup(look, tmp_path):
    name = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    run = write_run(
        tmp_path / "run", np.ones((3, 2)), names=[name, f"{name}2"], arguments={name: name}
    )
    page = look({name: run})
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    hover(page, "#layers", 0.6, 0.3)
    page.focus("#parameters")
    page.keyboard.press("Home")
    assert page.locator("#layers-table tbody th").first.inner_text() == name
    page.click("text=Settings")
    assert page.locator("#settings tbody tr").last.inner_text().split("\t") == [name, name]
    assert page.locator("main img, main script, .details script, .details img").count() == 0
    assert asked == []


def test_two_thousand_layers_are_drawn_within_a_second(look, take, tmp_path):
    rng = np.random.default_rng(0)
    norms = np.geomspace(1e-6, 1, 2000) * rng.lognormal(sigma=0.5, size=(300, 2000))
    names = [f"transformer.h.{i // 20}.block.{i % 20}.weight" for i in range(2000)]
    runs = {"deep": write_run(tmp_path / "run", norms.astype(np.float32), names=names)}
    page = look(runs)
    take(page, "layers-2000")
    again = """() => {
      const start = performance.now();
      gradclipPage.show(JSON.parse(document.getElementById("data").textContent));
      return performance.now() - start;
    }"""
    assert page.evaluate(again) < 500
    page.wait_for_selector(DRAWN)
    assert page.locator("#layers-table tbody tr").count() == 25
    page.fill("#search-text", "h.99 block.19")
    assert page.inner_text("#search-count") == "1 found"
    page.fill("#search-text", "")
    page.click("text=Show more")
    assert page.locator("#layers-table tbody tr").count() == 275
    hover(page, "#layers", 0.5, 0.5)
    assert "the largest of" in page.inner_text("#layers .tip")


def test_a_run_that_grows_is_drawn_anew_and_choices_stay(look, run, trained):
    page = look({"run": run})
    page.click("#kind >> text=after clipping")
    page.locator("#choice button >> text=b2").click()
    page.evaluate("(runs) => gradclipPage.show(runs)", [view_run("run", trained, 100)])
    page.wait_for_selector(DRAWN)
    assert page.inner_text("#kind [aria-pressed=true]") == "after clipping"
    assert "b2" not in page.locator("#choice [aria-pressed=true]").all_inner_texts()
    assert page.input_value("#to") == "39"
    assert page.evaluate(BLANK) == []
    assert "40 steps" in page.inner_text("h1")


def test_the_parts_work_under_a_strict_policy(browser, trained):  # noqa: F811
    parts = page_parts()
    head = "".join(f'<script src="/{name}" defer></script>' for name in parts.scripts)
    icon = '<link rel="icon" href="data:,">'
    html = f'<!doctype html>{icon}<link rel="stylesheet" href="/style.css">{head}{parts.body}'
    files = {"/": ("text/html", html), "/style.css": ("text/css", parts.style)}
    files |= {f"/{name}": ("text/javascript", text) for name, text in parts.scripts.items()}
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"

    def answer(route):
        kind, body = files[route.request.url.removeprefix("http://page.test")]
        headers = {"Content-Security-Policy": policy, "Content-Type": f"{kind}; charset=utf-8"}
        route.fulfill(status=200, headers=headers, body=body)

    with visit(browser, "about:blank") as seen:
        page = seen.page
        page.route("http://page.test/**", answer)
        page.goto("http://page.test/")
        page.evaluate("(runs) => gradclipPage.show(runs)", [view_run("run", trained, 100)])
        page.wait_for_selector(DRAWN)
        hover(page, "#layers", 0.6, 0.2)
        assert "w1, step" in page.inner_text("#layers .tip")
        assert page.evaluate(BLANK) == []
        assert seen.errors == []
