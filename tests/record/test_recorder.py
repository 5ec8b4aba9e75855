"""Tests of recording from another thread."""

import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import gradclip
from gradclip.core.policies.late_report import LateReport
from gradclip.errors import ConfigurationError, RunError
from gradclip.record import Recorder, read_run

WEIGHTS = {"w": np.zeros((2, 1), np.float32), "b": np.zeros(1, np.float32)}


def reports(count, *, statistics=True):
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=statistics)
    for i in range(count):
        gradients = [np.array([[3.0], [0.0]], np.float32) * (i + 1), np.array([4.0], np.float32)]
        clipper(gradients, names=list(WEIGHTS))
        yield clipper.report


def test_what_is_recorded_is_read(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS, policy=gradclip.GlobalNorm(1.0), seed=3) as recorder:
        for i, report in enumerate(reports(100)):
            recorder.note(loss=np.float32(i))
            recorder.record(report, learning_rate=0.1)
    run = read_run(tmp_path / "run")
    assert run.status == "finished"
    assert run.steps.tolist() == list(range(100))
    assert run.loss.tolist() == list(range(100))
    assert (run.learning_rate == 0.1).all()
    assert run.norms_before[1].tolist() == [6.0, 4.0]
    np.testing.assert_allclose(run.global_norm_after, 1.0, rtol=1e-6)
    assert run.zeros[0].tolist() == [1, 0]
    assert run.metadata.policy == "GlobalNorm(max_norm=1.0, norm_type=2.0)"
    assert (run.metadata.framework, run.metadata.seed) == ("numpy", 3)
    assert [(p.name, p.shape) for p in run.metadata.parameters] == [("w", (2, 1)), ("b", (1,))]


def test_updates_are_kept_where_they_were_measured(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS, updates_every=4) as recorder:
        for i, report in enumerate(reports(10)):
            given = {}
            if recorder.wants_update:
                given = {"weight_norms": np.full(2, 2.0), "update_norms": np.full(2, 0.1 * i)}
            recorder.record(report, **given)
    updates = read_run(tmp_path / "run").updates
    assert updates.steps.tolist() == [0, 4, 8]
    np.testing.assert_allclose(updates.ratios[:, 0], [0.0, 0.2, 0.4], rtol=1e-6)


def test_a_reader_sees_steps_within_a_second(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        recorder.record(next(reports(1)))
        deadline = time.monotonic() + 20
        while not len(read_run(tmp_path / "run").steps):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def record_all(recorder, given):
    for report in given:
        recorder.record(report)


def test_a_full_queue_makes_nobody_wait_and_is_said(tmp_path):
    class Slow:
        """A report whose numbers take a while, as on a busy device."""

        def __init__(self, report):
            self._report = report

        def __getattr__(self, name):
            if name == "norm_after":
                time.sleep(0.05)
            return getattr(self._report, name)

    recorder = Recorder(tmp_path / "run", WEIGHTS, capacity=4)
    slow = [Slow(report) for report in reports(60)]
    with pytest.warns(UserWarning, match="Steps are missing"):
        record_all(recorder, slow[:30])
    for report in slow[30:]:
        recorder.record(report)
        time.sleep(0.01)
    recorder.close()
    run = read_run(tmp_path / "run")
    assert recorder.lost > 0
    assert len(run.steps) + recorder.lost == 60
    missing = np.diff(run.steps, prepend=-1) - 1
    assert run.lost.tolist() == missing.tolist()


def test_many_steps_wait_for_no_pause(tmp_path, monkeypatch):
    monkeypatch.setattr("gradclip.record.recorder._PAUSE", 3600.0)
    with Recorder(tmp_path / "run", WEIGHTS, capacity=8) as recorder:
        record_all(recorder, reports(4))
        deadline = time.monotonic() + 60
        while len(read_run(tmp_path / "run").steps) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_trouble_with_the_disk_does_not_stop_training(tmp_path):
    recorder = Recorder(tmp_path / "run", WEIGHTS)
    (tmp_path / "run" / "run.json").unlink()
    (tmp_path / "run").rmdir()  # as when somebody cleans up
    first, *others = reports(3)
    recorder.record(first)
    with pytest.warns(UserWarning, match=r"training goes on.*cannot be written"):
        recorder.flush()
    for report in others:
        recorder.record(report)
    recorder.flush()
    assert recorder.lost == 3
    recorder.close()


def test_a_report_that_cannot_be_read_is_lost_alone(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        recorder.record("no report")
        with pytest.warns(UserWarning, match="training goes on"):
            recorder.flush()
        recorder.record(next(reports(1)))
    assert read_run(tmp_path / "run").steps.tolist() == [1]


def test_vectors_that_are_made_late_are_not_made_where_training_runs(tmp_path):
    made = []

    def make():
        made.append(threading.current_thread())
        return np.ones(2), np.ones(2), None

    numbers = {"norm_before": 2.0, "norm_after": 2.0, "limit": 3.0, "scale": 1.0, "skipped": False}
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        recorder.record(LateReport(make, names=tuple(WEIGHTS), **numbers))
    assert read_run(tmp_path / "run").norms_before.tolist() == [[1.0, 1.0]]
    assert threading.current_thread() not in made


def record_and_raise(path, error):
    with Recorder(path, WEIGHTS) as recorder:
        recorder.record(next(reports(1)))
        raise error


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError(), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_an_exception_and_ctrl_c_are_told(tmp_path, error, status):
    with pytest.raises(type(error)):
        record_and_raise(tmp_path / "run", error)
    run = read_run(tmp_path / "run")
    assert (run.status, len(run.steps)) == (status, 1)


@pytest.mark.parametrize(
    ("ending", "status"), [("", "finished"), ("1 / 0", "failed"), ("sys.exit(3)", "finished")]
)
def test_a_run_that_nobody_closed_ends_with_its_program(tmp_path, ending, status):
    program = f"""
        import sys, numpy as np, gradclip
        recorder = gradclip.Recorder({str(tmp_path / "run")!r}, {{"w": np.zeros(1)}})
        clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        clipper([np.ones(1)])
        recorder.record(clipper.report)
        {ending}
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, stderr=subprocess.DEVNULL
    )
    run = read_run(tmp_path / "run")
    assert (run.status, len(run.steps)) == (status, 1)


def test_a_resumed_run_counts_on(tmp_path):
    for _ in range(2):
        with Recorder(tmp_path / "run", WEIGHTS, resume=True) as recorder:
            for report in reports(3):
                recorder.record(report)
    assert read_run(tmp_path / "run").steps.tolist() == list(range(6))


def test_an_existing_run_is_refused(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS):
        pass
    with pytest.raises(RunError, match="already holds one"):
        Recorder(tmp_path / "run", WEIGHTS)


@pytest.mark.parametrize("parameters", [3, ["w"], [("w", 1.0)], [(1, np.zeros(1))]])
def test_other_parameters_are_refused(tmp_path, parameters):
    with pytest.raises(ConfigurationError, match="pairs of names and tensors"):
        Recorder(tmp_path / "run", parameters)
    assert not (tmp_path / "run").exists()


def test_numbers_out_of_range_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="capacity"):
        Recorder(tmp_path / "run", WEIGHTS, capacity=0)


def test_a_report_of_other_parameters_is_refused(tmp_path):
    with (
        Recorder(tmp_path / "run", {"w": np.zeros(2)}) as recorder,
        pytest.raises(ConfigurationError, match="of the 1 parameters that the recorder was made"),
    ):
        recorder.record(next(reports(1)))
    assert len(read_run(tmp_path / "run").steps) == 0


def test_a_run_whose_last_record_is_damaged_is_resumed_behind_the_last_sound_one(tmp_path):
    with Recorder(tmp_path / "run", WEIGHTS) as recorder:
        for report in reports(5):
            recorder.record(report)
    path = tmp_path / "run" / "steps-0000-rank0.records"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with Recorder(tmp_path / "run", WEIGHTS, resume=True) as recorder:
        recorder.record(next(reports(1)))
    assert read_run(tmp_path / "run").steps.tolist() == [0, 1, 2, 3, 4]
