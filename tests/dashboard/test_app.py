"""Tests of the pages and of the data behind them, over real HTTP."""

import json

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.dashboard.conftest import running, serving, train

from gradclip.dashboard import make_app
from gradclip.errors import RunError


def test_the_list_has_every_run(served):
    found = served.get("/api/runs")
    assert [row["path"] for row in found["runs"]] == ["first", "second", "deep/er/third"]
    assert found["complete"]


def test_a_run_s_data_are_what_the_report_draws(served):
    found = served.get("/api/run/deep/er/third?buckets=3")
    assert (found["name"], found["numSteps"], len(found["steps"])) == ("deep/er/third", 5, 3)


def test_some_steps_alone_can_be_asked_for(served):
    found = served.get("/api/run/first?first=10&last=19")
    assert (found["steps"][0], found["lastStep"], found["numSteps"]) == (10, 19, 10)
    assert served.get("/api/run/first?first=1000")["steps"] == []


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/api/run/first?buckets=2001",
            "/api/run/first?buckets=0",
            "/api/run/first?first=9&last=1",
        ),
        *("/api/table/first?count=501", "/api/table/first?sort=none", "/compare"),
        *("/api/layer/first?place=4", "/api/layer/first?place=-1", "/api/layer/first?buckets=9999"),
        "/api/table/first?search=" + "x" * 201,
        "/events?" + "&".join(f"run={i}" for i in range(13)),
    ],
)
def test_too_much_is_refused(served, target):
    status, headers, body = served.ask(target)
    assert status == 400
    assert headers["content-type"].startswith("text/plain")
    assert b"must" in body or b"Name the runs" in body or b"At most 12" in body


def test_the_table_comes_in_slices(served):
    found = served.get("/api/table/first?first=1&count=2&sort=-last")
    assert found["total"] == 4
    assert len(found["rows"]) == 2
    assert found["rows"][0]["last"] >= found["rows"][1]["last"]


@pytest.mark.parametrize("target", ["/", "/run/second", "/compare?run=first&run=second"])
def test_pages_load_only_what_is_here_and_have_nothing_inline(served, target):
    status, headers, body = served.ask(target)
    page = body.decode()
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert "<script>" not in page
    for address in [part.split('"')[0] for part in page.split('src="')[1:]]:
        assert served.ask(address)[0] == 200


def test_names_are_escaped(served):
    _, _, body = served.ask("/api/table/second")
    assert json.loads(body)["rows"][0]["name"] == "<script>alert(1)</script>.w"
    folder = "%3Cimg%20src=x%20onerror=alert(1)%3E"
    assert served.ask(f"/run/{folder}")[2].decode().startswith("There is no run '<img")
    assert served.ask(f"/run/{folder}")[1]["content-type"].startswith("text/plain")


def test_a_folder_s_name_is_escaped(tmp_path):
    train(tmp_path / '"><script>x' / "mine")
    with serving(tmp_path) as server:
        status, _, body = server.ask("/run/%22%3E%3Cscript%3Ex/mine")
    assert status == 200
    assert b'"><script>x' not in body
    assert b"&quot;&gt;&lt;script&gt;x/mine" in body


def test_files_of_the_page_may_be_kept_for_ever(served):
    page = served.ask("/")[2].decode()
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    _, headers, _ = served.ask(address)
    assert "immutable" in headers["cache-control"]
    assert "?v=" in address


def test_a_folder_that_is_a_run_is_the_only_one(tmp_path):
    train(tmp_path / "mine")
    with serving(tmp_path / "mine") as server:
        (row,) = server.get("/api/runs")["runs"]
        assert (row["path"], row["name"]) == ("", "mine")
        assert server.get("/api/run/")["name"] == "mine"
        assert server.ask("/run/")[0] == 200


def test_the_app_can_be_mounted_in_another(tmp_path):
    train(tmp_path / "mine")
    app = Starlette(routes=[Mount("/training", make_app(tmp_path))])
    with running(app) as server:
        page = server.ask("/training/")[2].decode()
        assert 'data-root="/training"' in page
        assert 'src="/training/static/live.js?v=' in page
        assert server.get("/training/api/run/mine")["numSteps"] == 40


def test_a_folder_that_is_not_there_is_one_message(tmp_path):
    with pytest.raises(RunError, match=r"There is no folder .*none"):
        make_app(tmp_path / "none")


def test_a_run_that_is_damaged_is_said_to_be(tmp_path):
    train(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{}")
    with serving(tmp_path) as server:
        status, _, body = server.ask("/api/run/bad")
        rows = server.get("/api/runs")["runs"]
    assert status == 404
    assert b"no schema number" in body
    assert [row["status"] for row in rows] == ["damaged", "finished"]


def test_a_run_that_grows_is_read_again(tmp_path):
    train(tmp_path / "mine", steps=3)
    with serving(tmp_path) as server:
        assert server.get("/api/run/mine")["numSteps"] == 3
        train(tmp_path / "mine", steps=2, resume=True)
        assert server.get("/api/run/mine")["numSteps"] == 5
