"""Tests of what keeps the page to who may see it."""

import os
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dashboard.conftest import serving, train

from gradclip.dashboard import make_app
from gradclip.dashboard.security import HEADERS, run_folder
from gradclip.errors import ConfigurationError, RunError

TOKEN = "a-token-of-the-tests"
PIECES = [
    "..", ".", "", "/", "\\", "first", "deep", "er", "link", "outside", "run.json", "etc", "passwd",
    "%2e%2e", "%2f", "%00", "\0", "\n", "~", "C:", "\udc80", "ü", " ",
]  # fmt: skip
paths = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8).flatmap(
    lambda parts: st.sampled_from(["/".join(parts), "".join(parts), "/" + "/".join(parts)])
)


@given(path=paths)
def test_no_path_leads_out_of_the_directory(runs, path):
    try:
        found = run_folder(runs, path)
    except RunError:
        return
    assert found.is_relative_to(runs.resolve())
    assert (found / "run.json").is_file()


@given(
    path=paths, kind=st.sampled_from(["run", "api/run", "api/table", "static"]), raw=st.booleans()
)
def test_no_address_leads_out_of_the_directory(served, path, kind, raw):
    text = os.fsencode(path) if path.isprintable() else path.encode(errors="replace")
    target = f"/{kind}/{quote(text, safe='/%' if raw else '')}"
    status, headers, body = served.ask(target)
    assert status in {200, 400, 404}
    assert b"SECRET" not in body
    assert headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "target",
    [
        *("/run/../outside", "/run/%2e%2e/outside", "/run/..%2foutside", "/run/link"),
        *("/api/run//etc", "/api/run/%00", "/compare?run=first&run=../outside"),
        *("/events?run=../outside", "/static/..%2fapp.py", "/static/../app.py"),
    ],
)
def test_what_is_outside_is_not_there(served, target):
    assert served.ask(target)[0] == 404


def test_files_that_link_to_the_outside_are_not_read(tmp_path):
    train(tmp_path / "outside", program="SECRET")
    inside = train(tmp_path / "runs" / "mine")
    for file in inside.glob("*.records"):
        file.unlink()
    for file in (tmp_path / "outside").glob("*.records"):
        (inside / file.name).symlink_to(file)
    with pytest.raises(RunError, match="There is no run 'mine' here"):
        run_folder(tmp_path / "runs", "mine")


def test_a_description_of_any_size_is_not_read(tmp_path):
    (tmp_path / "mine").mkdir()
    with (tmp_path / "mine" / "run.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(RunError, match="larger than any that gradclip writes"):
        run_folder(tmp_path, "mine")


def test_a_link_within_the_directory_may_be_followed(tmp_path):
    train(tmp_path / "mine")
    (tmp_path / "latest").symlink_to("mine")
    assert run_folder(tmp_path, "latest") == (tmp_path / "mine").resolve()


def test_the_directory_itself_may_be_the_run(tmp_path):
    train(tmp_path / "mine")
    assert run_folder(tmp_path / "mine", "") == (tmp_path / "mine").resolve()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_a_foreign_host_is_refused(served, host):
    status, headers, body = served.ask("/api/runs", host=host)
    assert status == 400
    assert b"first" not in body
    assert headers["x-frame-options"] == "DENY"


def test_a_request_without_a_host_is_refused(served):
    assert served.ask("/api/runs", host=None)[::2] == (400, b"Invalid HTTP request received.")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "[::1]:8765"])
def test_this_machine_s_names_are_answered_at_any_port(served, host):
    assert served.ask("/", host=host)[0] == 200


def test_any_address_is_answered_where_that_is_wished_and_no_name(runs):
    with serving(runs, token=TOKEN, hosts={"*", "box"}) as server:
        bearer = {"authorization": f"Bearer {TOKEN}"}
        hosts = ["192.0.2.7:8765", "[2001:db8::1]", "box", "evil.example", "256.1.1.1"]
        found = [server.ask("/", host=host, **bearer)[0] for host in hosts]
    assert found == [200, 200, 200, 400, 400]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_nothing_can_be_changed(served, method):
    status, headers, _ = served.ask("/api/runs", method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_head_request_is_answered(served):
    assert served.ask("/", method="HEAD")[::2] == (200, b"")


@pytest.mark.parametrize("target", ["/", "/api/runs", "/none", "/run/none", "/static/live.js"])
def test_every_answer_has_the_headers(served, target):
    _, headers, _ = served.ask(target)
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "server" not in headers or "gradclip" not in headers["server"]


def test_without_the_token_nothing_is_shown(runs):
    with serving(runs, token=TOKEN) as server:
        for target in ("/", "/api/runs", "/run/first", "/events", "/static/live.js", "/none"):
            status, headers, body = server.ask(target)
            assert status == 401
            assert headers["referrer-policy"] == "no-referrer"
            assert b"first" not in body
        for wrong in ({"authorization": "Bearer no"}, {"cookie": "gradclip=no"}):
            assert server.ask("/", **wrong)[0] == 401
        assert server.ask("/?token=wrong-token-wrong")[0] == 401
        assert server.ask("/?token=%ff%00")[0] == 401


def test_the_token_is_left_in_a_cookie_and_leaves_the_address(runs):
    with serving(runs, token=TOKEN) as server:
        status, headers, body = server.ask(f"/compare?run=first&token={TOKEN}&run=%22%3E%3Cb")
        cookie = headers["set-cookie"]
        assert status == 200
        assert TOKEN not in body.decode()
        assert "url=?run=first&amp;run=%22%3E%3Cb" in body.decode()
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert server.ask("/api/runs", cookie=cookie.split(";")[0])[0] == 200
        assert server.ask("/api/runs", authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize("token", ["", "short", "with spaces in it, long", "ü" * 20, "x" * 201])
def test_a_token_that_is_none_is_refused(tmp_path, token):
    with pytest.raises(ConfigurationError, match="A token must be 16 to 200 letters"):
        make_app(tmp_path, token=token)
