"""Tests of server-sent events, over a real connection."""

import json
import time

from tests.dashboard.conftest import Training, serving, train, until

from gradclip.dashboard.events import MAX_LISTENERS


def next_event(following, kind):
    """Return the content of the next event of a kind."""
    while True:
        lines = following()
        if lines.get("event") == kind:
            return json.loads(lines["data"])


def test_a_new_step_is_told_within_two_seconds(tmp_path):
    training = Training(tmp_path / "mine").step(3)
    with serving(tmp_path) as server, server.events() as following:
        next_event(following, "ready")
        begin = time.monotonic()
        training.step()
        row = next_event(following, "run")
        assert time.monotonic() - begin < 2
        assert (row["path"], row["steps"], row["lastStep"]) == ("mine", 4, 3)
        training.end()
        assert next_event(following, "run")["status"] == "finished"


def test_runs_that_come_and_go_are_told(tmp_path):
    train(tmp_path / "old")
    with serving(tmp_path) as server, server.events() as following:
        next_event(following, "ready")
        train(tmp_path / "new")
        assert next_event(following, "run")["path"] == "new"
        (tmp_path / "old" / "run.json").unlink()
        assert next_event(following, "gone") == {"path": "old"}


def test_who_follows_one_run_hears_of_no_other(tmp_path):
    mine, other = Training(tmp_path / "mine").step(), Training(tmp_path / "other").step()
    with serving(tmp_path) as server, server.events("/events?run=mine") as following:
        next_event(following, "ready")
        other.step()
        mine.step()
        assert next_event(following, "run")["path"] == "mine"
        other.end()
        mine.end()
        assert next_event(following, "run")["path"] == "mine"


def test_one_look_serves_all_who_listen(tmp_path):
    training = Training(tmp_path / "mine").step()
    with serving(tmp_path) as server, server.events() as one, server.events() as other:
        next_event(one, "ready")
        next_event(other, "ready")
        assert server.app.num_listeners == 2
        training.step()
        assert next_event(one, "run")["steps"] == next_event(other, "run")["steps"] == 2
        training.end()


def test_who_leaves_is_forgotten(tmp_path):
    training = Training(tmp_path / "mine").step()
    with serving(tmp_path) as server:
        with server.events() as following:
            next_event(following, "ready")
            assert server.app.num_listeners == 1
        training.step()  # something to tell finds the connection closed
        until(lambda: server.app.num_listeners == 0)
        training.end()


def test_the_server_ends_while_somebody_listens(tmp_path):
    train(tmp_path / "mine")
    with serving(tmp_path) as server, server.events() as following:
        next_event(following, "ready")
        server.app.close()
        assert following() == {}


def test_there_are_only_so_many_listeners(tmp_path, monkeypatch):
    monkeypatch.setattr("gradclip.dashboard.app.MAX_LISTENERS", 1)
    train(tmp_path / "mine")
    with serving(tmp_path) as server, server.events() as following:
        next_event(following, "ready")
        assert server.ask("/events")[0] == 503
    assert MAX_LISTENERS == 64
