"""Tests of a session: steps, ends, directories."""

import os
import time

import numpy as np
import pytest

import gradclip
from gradclip.instrumenting.observation import Observation
from gradclip.instrumenting.session import Session, StopTraining
from gradclip.instrumenting.settings import Settings

SEEN = Observation(names=("w",), parts_before=[2.0], parts_after=[1.0])


def begun(out, *, rank=0, sharded=False, **settings):
    session = Session(Settings(out=str(out), **settings))
    begin(session, rank=rank, sharded=sharded)
    return session


def begin(session, **given):
    session.begin("numpy", [("w", np.zeros(2))], optimizer="by hand", world=2, **given)


def step(session, seen=SEEN):
    with session.ours():
        if session.due:
            session.record(seen, loss=1.0)
    session.end_step()


def test_every_so_many_steps_are_recorded(tmp_path):
    with begun(tmp_path / "run", every=3) as session:
        for _ in range(7):
            step(session)
    assert gradclip.read_run(tmp_path / "run").steps.tolist() == [0, 3, 6]
    assert session.steps == 7


def test_the_last_step_that_is_asked_for_ends_the_program(tmp_path):
    session = begun(tmp_path / "run", steps=2)
    step(session)
    with pytest.raises(StopTraining) as stop:
        step(session)
    assert stop.value.code == 0
    session.close()
    assert gradclip.read_run(tmp_path / "run").status == "finished"


def test_an_error_of_ours_is_a_note_and_no_error(tmp_path):
    with begun(tmp_path / "run") as session:
        for _ in range(2):
            with session.ours("It went wrong"):
                raise ValueError("so")
    assert session.notes[-1] == "It went wrong: ValueError: so"
    assert session.notes.count(session.notes[-1]) == 1


def test_steps_that_cannot_be_read_are_a_note_even_where_warnings_are_errors(tmp_path):
    with begun(tmp_path / "run") as session:
        step(session, seen=None)
    assert "Steps are missing" in session.notes[-1]


def test_the_time_of_ours_is_counted_once(tmp_path):
    session = Session(Settings(out=str(tmp_path)))
    began = time.perf_counter()
    with session.ours(), session.ours():
        while time.perf_counter() - began < 0.01:
            pass
    assert 0.01 <= session.seconds < time.perf_counter() - began + 0.005


def test_what_comes_before_the_first_step_is_no_overhead_wherever_it_is_counted(tmp_path):
    with begun(tmp_path / "run") as session:
        with session.ours():
            until = time.perf_counter() + 0.05
            while time.perf_counter() < until:
                pass
            session.end_step()
            session.end_step()
        assert session.seconds >= 0.05
        assert session.overhead == pytest.approx(1.0)  # all between the two steps is ours


def test_after_its_end_nothing_comes_of_hooks(tmp_path):
    session = begun(tmp_path / "run", steps=2)
    step(session)
    session.close()
    for _ in range(3):
        assert not session.due
        begin(session)
        step(session)
    session.close()
    assert len(gradclip.read_run(tmp_path / "run").steps) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_comes_before_the_end_may_record_and_what_comes_after_may_read(tmp_path):
    session = begun(tmp_path / "run")
    session.before_close(lambda: step(session))
    session.at_close(lambda s: s.say(gradclip.read_run(s.paths[-1]).status))
    session.close()
    assert session.notes == ["finished"]
    assert len(gradclip.read_run(tmp_path / "run").steps) == 1


def test_an_error_that_ends_the_block_is_in_the_run(tmp_path):
    with pytest.raises(ZeroDivisionError), begun(tmp_path / "run"):
        1 / 0  # noqa: B018 - the error is the test
    assert gradclip.read_run(tmp_path / "run").status == "failed"


def test_it_opens_again_as_new(tmp_path):
    session = begun(tmp_path / "a")
    step(session)
    session.close()
    session.reopen(Settings(out=str(tmp_path / "b")))
    assert (session.framework, session.steps, session.closed) == (None, 0, False)
    begin(session)
    step(session)
    session.close()
    assert gradclip.read_run(tmp_path / "b").steps.tolist() == [0]


def test_sessions_side_by_side_take_directories_in_turn(tmp_path):
    sessions = [begun(tmp_path / "run") for _ in range(3)]
    for session in sessions:
        session.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run-2", "run-3"]


def test_a_rank_that_has_what_the_first_has_records_nothing(tmp_path):
    with begun(tmp_path / "run", rank=1) as session:
        step(session)
    assert (session.steps, session.recorder, list(tmp_path.iterdir())) == (1, None, [])


def test_ranks_with_shards_meet_in_the_newest_run(tmp_path):
    old = begun(tmp_path / "run")
    old.close()
    os.utime(tmp_path / "run", (1.0, 1.0))
    other = Session(Settings(out=str(tmp_path / "run")))
    first = begun(tmp_path / "run", sharded=True)
    begin(other, rank=1, sharded=True)
    assert other.paths == first.paths == [tmp_path / "run-2"]
    other.close()
    first.close()


def test_it_says_what_it_is(tmp_path):
    session = Session(Settings(out=str(tmp_path / "run")))
    assert repr(session) == "<gradclip session: no steps, open>"
    begin(session)
    step(session)
    session.close()
    assert repr(session) == f"<gradclip session: 1 step into {tmp_path / 'run'}, closed>"
