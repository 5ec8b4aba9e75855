"""Tests of writing a run directory."""

import contextlib
import dataclasses
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from gradclip.errors import RunError
from gradclip.record import RunWriter, StepRecord, open_run, read_run


def record(step, **changes):
    fields = {
        "step": step,
        "time": 0.25,
        "loss": 2.5,
        "accuracy": 0.125,
        "learning_rate": 0.01,
        "global_norm_before": 5.0,
        "global_norm_after": 1.0,
        "limit": 1.0,
        "scale": 0.2,
        "norms_before": (3.0, 4.0),
        "norms_after": (0.6, 0.8),
    }
    return StepRecord(**(fields | changes))


def test_run_json_has_the_documented_fields(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata) as writer:
        writer.finish("finished", {"test_accuracy": 0.5, "worst": float("inf")})
    description = json.loads((tmp_path / "run" / "run.json").read_text())
    assert description == {
        "schema": 2,
        "status": "finished",
        "created": metadata.created,
        "program": "gradclip demo",
        "arguments": {"steps": 2},
        "framework": {"name": "numpy", "version": "2.4"},
        "gradclip": "0.1.0",
        "python": "3.11.7",
        "device": "cpu",
        "parameters": [{"name": "w1", "shape": [2, 3]}, {"name": "b1", "shape": [3]}],
        "policy": "global-norm=1.0",
        "seed": 0,
        "summary": {"test_accuracy": 0.5, "worst": "Infinity"},
    }


def test_a_reader_sees_each_step_while_the_run_goes_on(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata) as writer:
        for step in range(3):
            writer.write(record(step))
            assert read_run(tmp_path / "run").steps.tolist() == list(range(step + 1))
        assert read_run(tmp_path / "run").status == "running"


def test_leaving_the_block_finishes_the_run(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata):
        pass
    assert read_run(tmp_path / "run").status == "finished"


def test_an_exception_marks_the_run_failed_and_keeps_its_steps(tmp_path, metadata):
    def fail():
        with RunWriter(tmp_path / "run", metadata) as writer:
            writer.write(record(0))
            raise ZeroDivisionError("by hand")

    with pytest.raises(ZeroDivisionError):
        fail()
    run = read_run(tmp_path / "run")
    assert (run.status, run.steps.tolist()) == ("failed", [0])
    assert run.summary == {"error": "ZeroDivisionError: by hand"}


_PROGRAM = """
    import itertools, sys
    from gradclip.record import Metadata, Parameter, RunWriter, StepRecord
    names = [f"w{i}" for i in range(40)]
    metadata = Metadata(program="p", framework="numpy", framework_version="2", gradclip="0",
                        python="3", parameters=tuple(Parameter(n, (1,)) for n in names))
    with RunWriter(sys.argv[1], metadata, resume=True) as writer:
        for step in itertools.count(int(sys.argv[2])):
            norms = [float(step + i) for i in range(40)]
            writer.write(StepRecord(step=step, time=0.0, loss=1.0, global_norm_before=1.0,
                                    global_norm_after=1.0, scale=1.0, norms_before=norms,
                                    norms_after=norms))
            print(step, flush=True)
"""


def run_until(signal_number, path, *, first=0, lines=100):
    """Run the program, stop it with a signal, and return the last step that it acknowledged."""
    command = [sys.executable, "-c", textwrap.dedent(_PROGRAM), str(path), str(first)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        for _ in range(lines):
            last = program.stdout.readline()
        os.kill(program.pid, signal_number)
        rest = program.communicate(timeout=60)[0].splitlines()
    whole = [line for line in rest if line]
    return int(whole[-1] if whole else last)


def check_steps(path, last):
    """Check that every step up to the last is there, with its own norms."""
    run = read_run(path)
    np.testing.assert_array_equal(run.steps[: last + 1], np.arange(last + 1))
    np.testing.assert_array_equal(run.norms_before, run.steps[:, None] + np.arange(40))
    assert run.damaged == 0
    return run


def test_ctrl_c_leaves_every_acknowledged_step_and_says_interrupted(tmp_path):
    last = run_until(signal.SIGINT, tmp_path / "run")
    assert check_steps(tmp_path / "run", last).status == "interrupted"


def test_sigkill_at_any_moment_loses_no_acknowledged_step(tmp_path):
    rng = np.random.default_rng(0)
    last = -1
    for _ in range(20):
        again = max(last - int(rng.integers(0, 5)), 0)  # as after the checkpoint before
        lines = int(rng.integers(1, 120))
        last = run_until(signal.SIGKILL, tmp_path / "run", first=again, lines=lines)
        assert check_steps(tmp_path / "run", last).status == "interrupted"


def test_a_directory_that_holds_a_run_is_refused(tmp_path, metadata):
    with RunWriter(tmp_path, metadata):
        pass
    with pytest.raises(RunError, match=r"already holds one.*Name another directory"):
        RunWriter(tmp_path, metadata)


def test_a_place_that_is_a_file_is_refused(tmp_path, metadata):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/run cannot be written"):
        RunWriter(tmp_path / "file" / "run", metadata)


def test_no_temporary_file_is_left_behind(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata):
        pass
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["run.json"]


def test_everything_that_a_step_can_have_comes_back(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(
            record(
                3,
                largest=(1.0, float("inf")),
                nonfinite=(0, 2),
                zeros=(2**33, 1),
                weight_norms=(2.0, 0.0),
                update_norms=(0.5, 0.1),
            )
        )
    run = read_run(tmp_path)
    assert run.largest.tolist() == [[1.0, np.inf]]
    assert run.nonfinite.tolist() == [[0, 2]]
    assert run.zeros.tolist() == [[2**33, 1]]
    assert run.updates.steps.tolist() == [3]
    np.testing.assert_array_equal(run.updates.ratios, [[0.25, np.nan]])


def test_norms_keep_the_precision_that_they_came_in(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(record(0, norms_before=np.array([0.1, 1e300])))
        writer.write(record(1, norms_before=np.array([0.1, 2.0], np.float32)))
    np.testing.assert_array_equal(
        read_run(tmp_path).norms_before, [[0.1, 1e300], [np.float32(0.1), 2.0]]
    )


def test_a_resumed_run_hides_what_it_repeats(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(*(record(i, loss=1.0) for i in range(10)))
    with RunWriter(tmp_path, metadata, resume=True) as writer:
        writer.write(*(record(i, loss=2.0) for i in range(6, 9)))
    run = read_run(tmp_path)
    assert run.steps.tolist() == list(range(9))
    assert run.loss.tolist() == [1.0] * 6 + [2.0] * 3
    assert run.metadata.created == metadata.created


def test_a_step_back_within_a_process_hides_what_it_repeats(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(*(record(i, loss=1.0) for i in (0, 1, 2, 3)), record(2, loss=2.0))
        writer.write(record(1, loss=3.0))
    run = read_run(tmp_path)
    assert run.loss.tolist() == [1.0, 3.0]


def test_statistics_may_begin_in_the_middle(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(record(0))
        writer.write(record(1, largest=(1.0, 2.0), nonfinite=(0, 0), zeros=(0, 0)))
    run = read_run(tmp_path)
    np.testing.assert_array_equal(run.largest, [[np.nan, np.nan], [1.0, 2.0]])


def test_a_run_does_not_go_on_with_other_parameters(tmp_path, metadata):
    with RunWriter(tmp_path, metadata):
        pass
    other = dataclasses.replace(metadata, parameters=metadata.parameters[:1])
    with pytest.raises(RunError, match="goes on with the parameters that it began with"):
        RunWriter(tmp_path, other, resume=True)


def test_several_processes_write_one_run(tmp_path, metadata):
    with (
        RunWriter(tmp_path, metadata) as first,
        RunWriter(tmp_path, metadata, rank=1) as second,
    ):
        first.write(record(0, loss=1.0))
        second.write(record(0, loss=2.0))
    assert [read_run(tmp_path, rank=rank).loss.tolist() for rank in (0, 1)] == [[1.0], [2.0]]
    assert open_run(tmp_path).ranks == (0, 1)


@contextlib.contextmanager
def largest_file(size):
    """Have the operating system refuse what makes a file larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def refuses(writer, step):
    """Tell whether the disk refuses a step."""
    try:
        writer.write(step)
    except RunError:
        return True
    return False


def test_what_a_full_disk_refuses_is_counted_and_the_rest_stays(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(*(record(i) for i in range(50)))
        refused = 50
        with largest_file(6_000):
            while not refuses(writer, record(refused)):
                refused += 1
        for later in (refused + 1, refused + 2):
            writer.write(record(later))
    run = read_run(tmp_path)
    assert run.steps.tolist() == [*range(refused), refused + 1, refused + 2]
    assert run.lost.tolist() == [0] * refused + [1, 0]
    assert run.damaged == 0


def test_a_directory_that_may_not_be_written_is_reported(tmp_path, metadata):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written"):
        RunWriter(tmp_path / "run", metadata)


def test_a_step_of_other_parameters_is_refused(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        with pytest.raises(RunError, match="each of the run's 2 parameters, got 3"):
            writer.write(record(0, norms_before=(1.0, 2.0, 3.0), norms_after=(1.0, 2.0, 3.0)))
        writer.write(record(1))
    run = read_run(tmp_path)
    assert (run.steps.tolist(), run.lost.tolist()) == ([1], [1])
