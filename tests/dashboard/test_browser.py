"""Tests of the live page in a real browser: what people see, do, and wait for."""

import time

import numpy as np
import pytest
from tests.browser import SCREENSHOTS, browser, visit  # noqa: F401 - a fixture
from tests.dashboard.conftest import Training, serving, train, until

ATTACK = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
TOKEN = "a-token-of-the-tests"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs as people have them, good and bad."""
    path = tmp_path_factory.mktemp("served") / "experiments"
    for place, rate in enumerate((0.01, 0.03, 0.1)):
        training = Training(path / f"resnet-lr-{rate}", seed=place, program="train.py")
        training.step(300, size=0.2 + 0.1 * place).end()
    train(path / "sweeps" / "adam", steps=120, program="sweep.py", policy="zclip=3")
    Training(path / "sweeps" / "killed").step(80).end("interrupted")
    broken = Training(path / "sweeps" / "sgd-no-warmup", policy=None)
    broken.step(60)
    broken.step(3, size=np.nan)
    broken.end("failed")
    train(path / ATTACK.replace("/", "|"), names=[f"{ATTACK}.w", "b"], arguments={"a": ATTACK})
    (path / "damaged").mkdir()
    (path / "damaged" / "run.json").write_text("{}")
    return path


@pytest.fixture(scope="module")
def live(folder):
    """A run that is training while the page is open."""
    training = Training(folder / "resnet-live", program="train.py").step(150)
    yield training
    training.end()


@pytest.fixture(scope="module")
def server(folder, live):
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A run of two thousand layers."""
    path = tmp_path_factory.mktemp("wide")
    names = [
        f"model.{part}.layers.{i}.{block}.{kind}"
        for part in ("encoder", "decoder")
        for i in range(50)
        for block in (
            "attn.q",
            "attn.k",
            "attn.v",
            "attn.out",
            "mlp.up",
            "mlp.down",
            "n1",
            "n2",
            "g1",
            "g2",
        )
        for kind in ("weight", "bias")
    ]
    train(path / "transformer", steps=70, names=names)
    with serving(path) as served:
        yield served


def check(seen, served):
    """Check that nothing was complained of, and nothing asked for elsewhere."""
    assert seen.errors == []
    assert {request.split("/static")[0][: len(served.address)] for request in seen.requests} <= {
        served.address
    }
    assert seen.overflow() <= 0
    assert not seen.page.evaluate("window.hacked")


def rows(page):
    return page.locator("#rows tr:visible")


def drawn(page):
    """Wait until the charts are there."""
    page.wait_for_selector("body.drawn #norm canvas")
    return page


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (1280, True), (800, False), (400, False)]
)
def test_the_list_shows_every_run(browser, server, width, dark):  # noqa: F811
    with visit(browser, server.address, width=width, dark=dark) as seen:
        seen.page.wait_for_selector("#pulse[data-state=live]")
        assert rows(seen.page).count() == 9
        assert "9 runs · 1 running" in seen.page.inner_text("#subtitle")
        assert ATTACK[:8] in seen.page.inner_text("#rows")
        seen.take(f"list-{width}{'-dark' if dark else ''}", whole=True)
        check(seen, server)


def test_runs_are_searched_filtered_and_sorted(browser, server):  # noqa: F811
    with visit(browser, server.address) as seen:
        page = seen.page
        page.wait_for_selector("#rows tr")
        page.fill("#query", "RESNET 0.0")
        assert rows(page).count() == 2
        page.fill("#query", "nothing at all")
        assert page.inner_text("#nothing") == "No run matches."
        page.fill("#query", "")
        page.click("#statuses button[value=failed]")
        assert page.inner_text("#rows a") == "sweeps/sgd-no-warmup"
        page.reload()
        page.wait_for_selector("#rows tr")
        assert rows(page).count() == 1
        page.click("#statuses button[value=failed]")
        page.select_option("#sort", "name")
        assert page.locator("#rows a").nth(1).inner_text() == "damaged"
        check(seen, server)


def test_the_keyboard_is_enough(browser, server):  # noqa: F811
    with visit(browser, server.address) as seen:
        page = seen.page
        page.wait_for_selector("#rows tr")
        page.keyboard.press("/")
        page.keyboard.type("resnet")
        for key in ("ArrowDown", "x", "ArrowDown", "x"):
            page.keyboard.press(key)
        assert page.inner_text("#compare") == "Compare 2"
        page.keyboard.press("c")
        drawn(page)
        assert page.url.count("run=resnet") == 2
        page.keyboard.press("u")
        page.wait_for_selector("#rows tr")
        assert page.input_value("#query") == "resnet"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        drawn(page)
        check(seen, server)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False)])
def test_a_run_is_drawn(browser, server, width, dark):  # noqa: F811
    with visit(browser, f"{server.address}/run/resnet-lr-0.1", width=width, dark=dark) as seen:
        drawn(seen.page)
        seen.page.wait_for_selector("#layer-table .body .name")
        assert "300" in seen.page.inner_text("body")
        seen.take(f"run-{width}{'-dark' if dark else ''}", whole=True)
        check(seen, server)


def test_a_new_step_is_seen_within_two_seconds(browser, server, live):  # noqa: F811
    with visit(browser, f"{server.address}/run/resnet-live") as seen:
        page = drawn(seen.page)
        page.wait_for_selector("#pulse[data-state=live]")
        time.sleep(1.5)  # what was fetched when it went live is drawn
        before = page.input_value("#to")
        live.step()
        took = until(lambda: page.input_value("#to") != before, seconds=5)
        assert int(page.input_value("#to")) == live.next - 1
        assert took < 2
        seen.take("run-live")
        check(seen, server)


def test_a_new_step_is_seen_in_the_list_within_two_seconds(browser, server, live):  # noqa: F811
    with visit(browser, server.address) as seen:
        page = seen.page
        page.wait_for_selector("#pulse[data-state=live]")
        live.step()
        row = page.locator("#rows tr", has_text="resnet-live").locator("[data-label=Steps]")
        assert until(lambda: row.inner_text() == str(live.next), seconds=5) < 2
        check(seen, server)


def test_runs_are_compared(browser, server):  # noqa: F811
    query = "&".join(f"run=resnet-lr-{rate}" for rate in (0.01, 0.03, 0.1))
    with visit(browser, f"{server.address}/compare?{query}") as seen:
        drawn(seen.page)
        assert "resnet-lr-0.03" in seen.page.inner_text("#norm-legend")
        seen.take("compare", whole=True)
        check(seen, server)


def test_names_and_arguments_are_texts(browser, server):  # noqa: F811
    with visit(browser, server.address) as seen:
        seen.page.wait_for_selector("#rows tr")
        seen.page.click("#rows a:has-text('window.hacked')")
        drawn(seen.page)
        seen.page.wait_for_selector("#layer-table .body .name")
        for summary in seen.page.locator("summary:visible").all():
            summary.click()
        assert ATTACK in seen.page.inner_text("body")
        seen.page.hover("#norm canvas")
        check(seen, server)


@pytest.mark.parametrize("width", [1280, 400])
def test_two_thousand_layers_do_not_freeze_the_page(browser, wide, width):  # noqa: F811
    with visit(browser, f"{wide.address}/run/transformer", width=width) as seen:
        page = drawn(seen.page)
        page.wait_for_selector("#layer-table .body .name button")
        seen.take(f"layers-{width}", whole=True)
        page.click("#layer-table .choice button")
        page.wait_for_selector("#layer-table >> text=2\u202f000 layers")
        assert page.locator("#layer-table .body [role=row]").count() < 60
        page.locator("#layer-table .view").evaluate("view => view.scrollTop = view.scrollHeight")
        page.wait_for_selector("#layer-table >> text=model.decoder.layers.49.g2.bias")
        begin = time.monotonic()
        page.fill("#layer-table input", "encoder 7.attn.q weight")
        page.wait_for_selector("#layer-table >> text=5 layers")
        assert time.monotonic() - begin < 1
        page.click("#layer-table .body .name button >> nth=0")
        page.wait_for_selector("#layer-table .course canvas")
        assert page.inner_text("#layer-table h3") == "model.encoder.layers.7.attn.q.weight"
        page.locator("#layer-table").screenshot(path=SCREENSHOTS / f"layer-{width}.png")
        page.click("#layer-table .panel button")
        assert page.locator("#layer-table .panel").is_hidden()
        page.fill("#layer-table input", "")
        page.click("#layer-table .choice button")
        page.click("#layer-table .body .group:has-text('encoder.')")
        page.wait_for_selector("#layer-table .path >> text=encoder.")
        seen.take(f"layers-{width}-within", whole=width == 400)
        check(seen, wide)


def test_the_token_is_asked_for_once(browser, folder, live):  # noqa: F811
    with (
        serving(folder, token=TOKEN) as server,
        visit(browser, f"{server.address}/?token={TOKEN}") as seen,
    ):
        seen.page.wait_for_selector("#rows tr")
        assert TOKEN not in seen.page.url
        seen.page.click("#rows a:has-text('resnet-lr-0.1')")
        drawn(seen.page)
        check(seen, server)


def test_an_empty_folder_says_what_to_do_and_shows_the_first_run(browser, tmp_path):  # noqa: F811
    with serving(tmp_path) as server, visit(browser, server.address) as seen:
        seen.page.wait_for_selector("#nothing:visible")
        assert "gradclip demo" in seen.page.inner_text("#nothing")
        seen.page.wait_for_selector("#pulse[data-state=live]")
        train(tmp_path / "mine")
        seen.page.wait_for_selector("#rows tr")
        check(seen, server)
