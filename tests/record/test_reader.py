"""Tests of reading a run directory."""

import json

import numpy as np
import pytest

from gradclip.errors import RunError
from gradclip.record import RunWriter, StepRecord, open_run, read_run


def record(step, **changes):
    fields = {
        "step": step,
        "time": 0.25 * step,
        "loss": 2.5,
        "global_norm_before": 5.0,
        "global_norm_after": 1.0,
        "limit": 1.0,
        "scale": 0.2,
        "norms_before": (3.0, 4.0),
        "norms_after": (0.6, 0.8),
    }
    return StepRecord(**(fields | changes))


@pytest.fixture
def path(tmp_path, metadata):
    with RunWriter(tmp_path / "run", metadata) as writer:
        writer.write(record(0))
        writer.write(record(1, limit=None, skipped=True, norms_before=(float("nan"), float("inf"))))
        writer.finish("finished", {"test_accuracy": 0.5})
    return tmp_path / "run"


def rewrite(path, **changes):
    description = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(description | changes))


def test_a_run_comes_back_as_it_was_written(path, metadata):
    run = read_run(path)
    assert (run.status, run.summary, run.metadata) == (
        "finished",
        {"test_accuracy": 0.5},
        metadata,
    )
    assert run.steps.tolist() == [0, 1]
    assert run.time.tolist() == [0.0, 0.25]
    assert run.skipped.tolist() == [False, True]
    np.testing.assert_array_equal(run.norms_before, [[3.0, 4.0], [np.nan, np.inf]])
    assert run.norms_after.shape == (2, 2)


def test_what_was_not_given_reads_as_nan_and_no_limit_as_inf(path):
    run = read_run(path)
    assert np.isnan(run.accuracy).all()
    assert np.isnan(run.learning_rate).all()
    assert run.limit.tolist() == [1.0, np.inf]


def test_a_run_without_steps_has_empty_columns(tmp_path, metadata):
    with RunWriter(tmp_path, metadata):
        pass
    run = read_run(tmp_path)
    assert run.loss.shape == (0,)
    assert run.norms_before.shape == (0, 2)


def test_a_missing_directory_is_reported(tmp_path):
    with pytest.raises(RunError, match=r"There is no run in .*nowhere"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"schema": "one"}', '{"schema": 1}', "\xff"])
def test_a_foreign_file_is_reported(path, text):
    (path / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match="other than a gradclip run"):
        read_run(path)


def test_an_unknown_status_is_reported(path):
    rewrite(path, status="asleep")
    with pytest.raises(RunError, match="asleep"):
        read_run(path)


def test_a_newer_schema_asks_for_an_update(path):
    rewrite(path, schema=3)
    with pytest.raises(RunError, match=r"schema 3.*pip install --upgrade gradclip"):
        read_run(path)


def test_slices_are_read_by_step_and_both_ends_are_in(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(*(record(2 * i) for i in range(100)))
    assert read_run(tmp_path, 10, 14).steps.tolist() == [10, 12, 14]
    assert read_run(tmp_path, 11, 13).steps.tolist() == [12]
    assert read_run(tmp_path, first=195).steps.tolist() == [196, 198]
    assert read_run(tmp_path, last=3).steps.tolist() == [0, 2]
    assert read_run(tmp_path, 500, 600).steps.tolist() == []


def test_a_growing_run_is_followed(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        reader = open_run(tmp_path)
        assert (reader.num_steps, reader.status) == (0, "running")
        for step in range(70):
            writer.write(record(step))
            reader.refresh()
            assert reader.num_steps == step + 1
            assert reader.read(first=step).steps.tolist() == [step]
    reader.refresh()
    assert reader.status == "finished"


def test_a_file_of_another_program_is_reported(tmp_path, metadata):
    with RunWriter(tmp_path, metadata):
        pass
    (tmp_path / "steps-0000-rank0.records").write_text("something else")
    with pytest.raises(RunError, match="other than a gradclip run"):
        read_run(tmp_path)


def test_numbers_are_read_without_tensors(path):
    reader = open_run(path)
    numbers, run = reader.numbers(), reader.read()
    for name in ("steps", "time", "loss", "limit", "scale", "skipped", "global_norm_before"):
        np.testing.assert_array_equal(getattr(numbers, name), getattr(run, name))
    assert reader.numbers(1, 1).steps.tolist() == [1]
    assert reader.summary == {"test_accuracy": 0.5}


def test_numbers_leave_out_what_is_damaged_and_count_it(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        writer.write(*map(record, range(5)))
    file = tmp_path / "steps-0000-rank0.records"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    numbers = open_run(tmp_path).numbers()
    assert (numbers.steps.tolist(), numbers.damaged) == ([0, 1, 2, 3], 1)


def write_updates(path, metadata, steps, **options):
    with RunWriter(path, metadata, **options) as writer:
        for step in steps:
            norms = (float(step), 1.0) if step % 5 == 0 else None
            writer.write(record(step, weight_norms=norms, update_norms=norms))


def test_updates_are_read_evenly_and_by_step(tmp_path, metadata):
    write_updates(tmp_path, metadata, range(200))
    reader = open_run(tmp_path)
    assert reader.updates().steps.tolist() == list(range(0, 200, 5))
    assert reader.updates(3).steps.tolist() == [0, 100, 195]
    assert reader.updates(first=12, last=20).steps.tolist() == [15, 20]
    assert reader.updates(first=11, last=14) is None
    np.testing.assert_array_equal(reader.updates(3).update_norms[:, 0], [0.0, 100.0, 195.0])


def test_updates_that_a_resumed_run_repeats_are_hidden(tmp_path, metadata):
    write_updates(tmp_path, metadata, range(101))
    write_updates(tmp_path, metadata, range(43, 61), resume=True)
    updates = open_run(tmp_path).updates()
    assert updates.steps.tolist() == list(range(0, 61, 5))
    assert open_run(tmp_path).updates(2).steps.tolist() == [0, 60]


def test_a_run_without_updates_has_none(path):
    assert open_run(path).updates() is None


def test_files_that_are_just_being_made_are_no_trouble(tmp_path, metadata):
    with RunWriter(tmp_path, metadata) as writer:
        reader = open_run(tmp_path)
        (tmp_path / "tensors-0000-rank0.records").touch()
        reader.refresh()
        assert reader.num_steps == 0
        writer.write(record(0))
        reader.refresh()
        assert reader.read().steps.tolist() == [0]
