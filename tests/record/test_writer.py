"""Tests of writing a run directory."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from gradclip.errors import RunError
from gradclip.record import RunWriter, StepRecord, read_run


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
        "schema": 1,
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


def test_a_step_is_one_line_with_the_documented_fields(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata) as writer:
        writer.write(record(0, loss=float("nan"), limit=None))
    (line,) = (tmp_path / "run" / "steps.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "step": 0,
        "time": 0.25,
        "loss": "NaN",
        "accuracy": 0.125,
        "learning_rate": 0.01,
        "global_norm_before": 5.0,
        "global_norm_after": 1.0,
        "limit": None,
        "scale": 0.2,
        "skipped": False,
        "norms_before": [3.0, 4.0],
        "norms_after": [0.6, 0.8],
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
    metadata = Metadata(program="p", framework="numpy", framework_version="2", gradclip="0",
                        python="3", parameters=(Parameter("w1", (1,)),))
    with RunWriter(sys.argv[1], metadata) as writer:
        for step in itertools.count():
            writer.write(StepRecord(step=step, time=0.0, loss=1.0, global_norm_before=1.0,
                         global_norm_after=1.0, scale=1.0, norms_before=(1.0,), norms_after=(1.0,)))
            print(step, flush=True)
"""


def test_ctrl_c_leaves_every_acknowledged_step_and_says_interrupted(tmp_path):
    program = textwrap.dedent(_PROGRAM)
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        for _ in range(100):
            run.stdout.readline()
        os.kill(run.pid, signal.SIGINT)
        acknowledged = run.communicate(timeout=60)[0].splitlines()
    result = read_run(tmp_path / "run")
    assert result.status == "interrupted"
    last = int(acknowledged[-1]) if acknowledged else 99
    np.testing.assert_array_equal(result.steps[: last + 1], np.arange(last + 1))


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
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["run.json", "steps.jsonl"]
