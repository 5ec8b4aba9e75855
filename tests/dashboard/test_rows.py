"""Tests of what is remembered of files that have not changed."""

from tests.dashboard.conftest import Training

from gradclip.dashboard.rows import Memory, Rows


def test_a_value_is_made_anew_only_where_its_files_have_changed():
    made = []
    memory = Memory(capacity=2)
    for state in (1, 1, 2, 2, 1):
        memory.get("key", (("run.json", state, 0),), lambda: made.append(1))
    assert len(made) == 3


def test_what_was_not_asked_for_the_longest_is_forgotten():
    memory = Memory(capacity=2)
    for key in "abac":
        memory.get(key, (), lambda key=key: key.upper())
    assert memory.get("a", (), lambda: "anew") == "A"
    assert memory.get("b", (), lambda: "anew") == "anew"


def test_a_row_follows_its_run(tmp_path):
    rows = Rows(tmp_path)
    training = Training(tmp_path / "mine").step(2)
    assert rows.one("mine")["steps"] == 2
    assert rows.one("mine") is rows.one("mine")
    training.step(3)
    assert rows.all()["runs"][0]["steps"] == 5
    training.end()
    assert rows.one("mine")["status"] == "finished"
