"""Tests of the screen, by real keys on runs that a recorder wrote."""

import asyncio
import shutil

import numpy as np
import pytest
from tests.watch.conftest import WEIGHTS, record_steps
from textual.widgets import Footer, Input, Static

import gradclip
from gradclip.record import Recorder, open_run
from gradclip.watch.app import WatchApp
from gradclip.watch.widgets import LayerTable, Picture

SIZES = [(80, 24), (200, 60)]


def drive(path, keys, check, *, size=(80, 24), every=60.0):
    """Show a run, press keys, and return what `check` says of the app."""

    async def main():
        app = WatchApp(open_run(path), "my run", every=every)
        async with app.run_test(size=size) as pilot:
            await settle(app, pilot)
            for key in keys:
                await pilot.press(key)
            await settle(app, pilot)
            return check(app)

    return asyncio.run(main())


async def settle(app, pilot):
    """Wait until a look that is under way is shown."""
    await app.workers.wait_for_complete()
    await pilot.pause()


def text_of(app, place):
    """Return what a line at the top says."""
    return str(app.query_one(place, Static).content)


def picture_of(app):
    """Return the whole screen as lines of text."""
    return [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]


def shown(app):
    """Return the layers in the table."""
    return app.query_one(LayerTable).shown


@pytest.mark.parametrize("size", SIZES)
def test_a_run_is_shown_at_any_size(run, size):
    lines = drive(run, "", picture_of, size=size)
    assert len(lines) == size[1]
    assert all(len(line) == size[0] for line in lines)
    text = "\n".join(lines)
    for part in ("my run", "12 steps", "loss 0.083", "norm 5 → 1 limit 1", "first.weight"):
        assert part in text


def test_the_lines_at_the_top_say_how_the_run_stands(run):
    header, alarms = drive(run, "", lambda app: [text_of(app, "#header"), text_of(app, "#alarms")])
    assert "my run  train.py  global-norm=1  finished" in header
    assert "100 % clipped  100 % of the last 12  0 skipped" in header
    assert "Every one of the last 12 steps was clipped." in alarms


def test_the_footer_names_the_keys(run):
    keys = drive(run, "", lambda app: [b.description for b in app.query_one(Footer).children])
    assert {"quit", "search", "sort", "pause"} <= set(keys)


def test_q_quits(run):
    assert drive(run, "q", lambda app: app.is_running) is False


def test_s_sorts_by_one_column_after_the_other_and_r_turns_it_round(run):
    assert drive(run, "", shown) == list(WEIGHTS)
    assert drive(run, "s", shown) == sorted(WEIGHTS)
    assert drive(run, "ss", shown) == ["last.weight", "first.weight", "first.bias"]
    assert drive(run, "ssr", shown) == ["first.bias", "first.weight", "last.weight"]


def test_a_click_on_a_title_sorts_by_it(run):
    async def main():
        app = WatchApp(open_run(run), "my run", every=60)
        async with app.run_test(size=(140, 40)) as pilot:
            await settle(app, pilot)
            table = app.query_one(LayerTable)
            await pilot.click(LayerTable, offset=(table.size.width, 1))  # the last one: zeros
            assert shown(app) == ["first.bias", "first.weight", "last.weight"]
            await pilot.click(LayerTable, offset=(table.size.width, 1))
            assert shown(app) == ["last.weight", "first.weight", "first.bias"]

    asyncio.run(main())


def test_slash_searches_and_escape_shows_all_again(run):
    assert drive(run, ["slash", *"LAST"], shown) == ["last.weight"]
    assert drive(run, ["slash", *"last", "enter", "s"], shown) == ["last.weight"]
    assert drive(run, ["slash", *"last", "escape"], shown) == list(WEIGHTS)


def test_a_search_that_finds_nothing_says_so(run):
    text = "\n".join(drive(run, ["slash", *"xyz"], picture_of))
    assert "0 of 3" in text
    assert "No layer's name holds that." in text


def test_the_way_back_is_offered_where_there_is_one(run):
    def back(app):
        return [b.description for b in app.query_one(Footer).children].count("back")

    assert [drive(run, keys, back) for keys in ("", "m", "mm", ["slash"])] == [0, 1, 0, 1]


def test_what_is_enlarged_can_be_searched(run):
    lines = drive(run, ["m", "slash", *"last"], picture_of)
    assert "1 of 3" in lines[0]
    assert lines[-2].strip() == "last"


def test_letters_in_the_search_are_no_commands(run):
    keys = ["slash", *"qps"]
    assert drive(run, keys, lambda app: app.query_one(Input).value) == "qps"


def test_p_pauses_and_goes_on(run):
    def check(app):
        return text_of(app, "#header").startswith("paused")

    assert drive(run, "p", check)
    assert not drive(run, "pp", check)


def test_m_shows_the_table_alone(run):
    assert drive(run, "m", lambda app: app.screen.maximized) is not None
    assert drive(run, "mm", lambda app: app.screen.maximized) is None


def test_d_turns_dark_into_light(run):
    assert drive(run, "", lambda app: app.current_theme.dark)
    assert not drive(run, "d", lambda app: app.current_theme.dark)


def test_what_is_written_meanwhile_is_shown(tmp_path):
    async def main():
        with Recorder(tmp_path / "run", WEIGHTS) as recorder:
            app = WatchApp(open_run(tmp_path / "run"), "my run", every=0.05)
            async with app.run_test() as pilot:
                await settle(app, pilot)
                assert "0 steps" in text_of(app, "#header")
                record_steps(recorder, 5)
                recorder.flush()
                while "5 steps" not in text_of(app, "#header"):
                    await pilot.pause(0.05)
                assert shown(app) == list(WEIGHTS)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_run_that_is_gone_is_said_and_what_was_seen_stays(run):
    async def main():
        app = WatchApp(open_run(run), "my run", every=0.05)
        async with app.run_test() as pilot:
            await settle(app, pilot)
            shutil.rmtree(run)
            while "There is no run" not in text_of(app, "#alarms"):
                await pilot.pause(0.05)
            assert shown(app) == list(WEIGHTS)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_look_that_takes_longer_than_the_screen_is_there_harms_nothing(run):
    async def main():
        app = WatchApp(open_run(run), "my run", every=0.05)
        async with app.run_test() as pilot:
            await settle(app, pilot)
            await app.screen.query("*").remove()  # as it is while the app ends
            shutil.rmtree(run)
            await pilot.pause(0.5)

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_numbers_that_are_not_finite_break_nothing(tmp_path, value):
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
        for gradient in (1.0, value, value):
            clipper([np.full(w.shape, gradient) for w in WEIGHTS.values()], names=list(WEIGHTS))
            recorder.record(clipper.report, loss=value)
    text = "\n".join(drive(tmp_path / "run", "", picture_of, size=(120, 40)))
    assert "3 steps" in text


def test_two_thousand_layers_are_no_burden(tmp_path):
    weights = {f"layers.{i}.weight": np.ones((1, 2)) for i in range(2000)}
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
    with Recorder(tmp_path / "run", weights) as recorder:
        clipper([np.full((1, 2), i + 1.0) for i in range(2000)], names=list(weights))
        recorder.record(clipper.report)
    assert drive(tmp_path / "run", ["slash", *"1999"], shown) == ["layers.1999.weight"]

    def scrolled(app):
        return app.query_one(LayerTable).scroll_offset.y, "\n".join(picture_of(app))

    offset, text = drive(tmp_path / "run", ["end"], scrolled)
    assert offset > 1900
    assert "l.1999.w" in text


def test_pictures_have_titles(run):
    titles = drive(run, "", lambda app: [p.border_title for p in app.query(Picture)])
    assert len(titles) == 3
    assert all(titles)
