"""Runs of which several processes recorded a part of every step each."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest

from gradclip.errors import RunError
from gradclip.record import Parameter, RunWriter, StepRecord, open_run, read_run
from gradclip.record.export import export_run
from gradclip.report.plain import render_text

NUM_RANKS = 3


def record(step, before, after, **given):
    return StepRecord(
        step=step,
        time=float(step),
        loss=given.pop("loss", 1.0),
        global_norm_before=float(np.linalg.norm(before)),
        global_norm_after=float(np.linalg.norm(after)),
        scale=given.pop("scale", 1.0),
        norms_before=np.array(before, dtype=given.pop("dtype", np.float64)),
        norms_after=np.array(after),
        **given,
    )


@pytest.fixture
def sharded(metadata):
    return replace(metadata, shards=NUM_RANKS)


@pytest.fixture
def writers(tmp_path, sharded):
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(RunWriter(tmp_path, sharded, rank=rank))
            for rank in range(NUM_RANKS)
        ]


def test_norms_of_parts_are_those_of_the_whole(tmp_path, writers):
    for writer, part in zip(writers, (1.0, 2.0, 2.0), strict=True):
        writer.write(record(0, (part, 0.0), (part / 2, 0.0), scale=0.5, loss=part))
    run = read_run(tmp_path)
    assert run.norms_before.tolist() == [[3.0, 0.0]]
    assert run.global_norm_before.tolist() == [3.0]
    assert (run.global_norm_after.tolist(), run.scale.tolist()) == ([1.5], [0.5])
    assert run.loss.tolist() == [1.0]


def test_what_was_not_clipped_anywhere_has_scale_one(tmp_path, writers):
    for writer in writers:
        writer.write(record(0, (0.1, 0.7), (0.1, 0.7)))
    assert read_run(tmp_path).scale.tolist() == [1.0]


def test_counts_are_added_and_the_largest_is_taken(tmp_path, writers):
    for writer, most in zip(writers, (1.0, 5.0, 2.0), strict=True):
        statistics = {"largest": (most, 0.0), "nonfinite": (1, 0), "zeros": (2, 3)}
        writer.write(record(0, (1.0, 0.0), (1.0, 0.0), **statistics))
    run = read_run(tmp_path)
    assert (run.largest.tolist(), run.nonfinite.tolist()) == ([[5.0, 0.0]], [[3.0, 0.0]])
    assert run.zeros.tolist() == [[6.0, 9.0]]


def test_updates_are_put_together(tmp_path, writers):
    for writer, part in zip(writers, (1.0, 2.0, 2.0), strict=True):
        norms = {"weight_norms": (part, 0.0), "update_norms": (0.0, part)}
        writer.write(record(0, (1, 1), (1, 1), **norms), record(1, (1, 1), (1, 1)))
    updates = read_run(tmp_path).updates
    assert updates.steps.tolist() == [0]
    assert updates.weight_norms.tolist() == [[3.0, 0.0]]
    assert updates.update_norms.tolist() == [[0.0, 3.0]]


def test_a_step_is_there_once_all_have_it(tmp_path, writers):
    reader = open_run(tmp_path)
    for writer in writers[:2]:
        writer.write(record(0, (1, 1), (1, 1)), record(1, (1, 1), (1, 1)))
    reader.refresh()
    assert (reader.num_steps, len(reader.numbers().steps)) == (0, 0)
    writers[2].write(record(0, (1, 1), (1, 1)))
    reader.refresh()
    assert (reader.num_steps, reader.read().steps.tolist()) == (1, [0])


def test_steps_are_matched_by_number(tmp_path, writers):
    writers[0].write(*(record(step, (1, 0), (1, 0)) for step in range(4)))
    writers[1].write(*(record(step, (step, 0), (step, 0)) for step in (0, 1, 3)))
    writers[2].write(*(record(step, (0, 0), (0, 0)) for step in range(5)))
    run = read_run(tmp_path)
    assert run.steps.tolist() == [0, 1, 3]
    assert run.global_norm_before.tolist() == [1.0, 2**0.5, 10**0.5]
    assert run.damaged == 1
    assert open_run(tmp_path).numbers().damaged == 1


def test_ranks_may_differ_in_where_files_begin(tmp_path, writers):
    first = [record(step, (3, 0), (3, 0)) for step in range(3)]
    writers[0].write(*first, *(replace(r, step=r.step + 3) for r in first))
    for writer in writers[1:]:
        writer.write(*first)
        looked = {"largest": (4, 0), "nonfinite": (0, 0), "zeros": (0, 0)}
        writer.write(*(record(step, (4, 0), (4, 0), **looked) for step in range(3, 6)))
    assert read_run(tmp_path).global_norm_before[3:].tolist() == pytest.approx([41**0.5] * 3)


def test_a_nan_in_one_part_is_one_in_the_whole(tmp_path, writers):
    for writer, part in zip(writers, (1.0, np.inf, np.nan), strict=True):
        writer.write(record(0, (part, part if part == 1 else 2.0), (0, 0), scale=0.0))
    assert np.isnan(read_run(tmp_path).norms_before[0]).tolist() == [True, False]


def test_a_rank_can_be_read_alone(tmp_path, writers):
    for writer, part in zip(writers, (1.0, 2.0, 2.0), strict=True):
        writer.write(record(0, (part, 0.0), (part, 0.0)))
    assert read_run(tmp_path, rank=1).global_norm_before.tolist() == [2.0]
    assert open_run(tmp_path).ranks == (0, 1, 2)


def test_long_runs_are_thinned_and_sliced(tmp_path, writers):
    for writer, part in zip(writers, (1.0, 2.0, 2.0), strict=True):
        writer.write(*(record(step, (part, 0.0), (part, 0.0)) for step in range(2000)))
    reader = open_run(tmp_path)
    thin = reader.thin(10)
    assert thin.rows.sum() == 2000
    assert thin.columns["global_norm_before"].high.tolist() == [3.0] * len(thin.rows)
    assert reader.read(1990, 2005).steps.tolist() == list(range(1990, 2000))


def test_it_is_exported_and_reported_as_a_whole(tmp_path, writers):
    for writer, part in zip(writers, (1.0, 2.0, 2.0), strict=True):
        writer.write(*(record(step, (part, 0.0), (part, 0.0)) for step in range(3)))
        writer.finish("finished")
    export_run(tmp_path, tmp_path / "out.json", "json")
    steps = json.loads((tmp_path / "out.json").read_text())["steps"]
    assert [step["global_norm_before"] for step in steps] == [3.0] * 3
    assert "3" in render_text({"run": open_run(tmp_path)})


def test_shards_may_have_shapes_of_their_own_but_not_names(tmp_path, sharded):
    RunWriter(tmp_path, sharded)
    RunWriter(
        tmp_path,
        replace(sharded, parameters=(Parameter("w1", (3,)), Parameter("b1", (1,)))),
        rank=1,
    )
    with pytest.raises(RunError, match="parameters"):
        RunWriter(tmp_path, replace(sharded, parameters=(Parameter("w2", (3,)),)), rank=2)


def test_whole_runs_do_not_speak_of_shards(tmp_path, metadata, sharded):
    RunWriter(tmp_path / "whole", metadata)
    RunWriter(tmp_path / "parts", sharded)
    texts = [(tmp_path / name / "run.json").read_text() for name in ("whole", "parts")]
    assert ["shards" in json.loads(text) for text in texts] == [False, True]
    assert open_run(tmp_path / "parts").metadata.shards == NUM_RANKS
