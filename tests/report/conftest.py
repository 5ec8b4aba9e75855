"""Runs that a test writes itself, small and checkable by hand."""

import numpy as np
import pytest

from gradclip.record import Metadata, Parameter, RunWriter, StepRecord, open_run
from gradclip.report.facts import gather


def write_run(  # noqa: PLR0913 - what runs differ by
    path,
    norms,
    *,
    limit=15.0,
    names=None,
    summary=None,
    status="finished",
    arguments=None,
    **changes,
):
    """Write a run of global-norm clipping with the given norms before clipping, (S, P).

    `limit`, and `changes` of the records' fields, may be functions of the step.
    """
    norms = np.asarray(norms, dtype=float)
    names = names or [f"{'wb'[i % 2]}{i // 2 + 1}" for i in range(norms.shape[1])]
    shapes = [(4, 4) if name.startswith("w") or name.endswith("weight") else (4,) for name in names]
    metadata = Metadata(
        program="a test",
        framework="torch",
        framework_version="2.13.0",
        gradclip="0.1.0",
        python="3.11",
        parameters=tuple(map(Parameter, names, shapes)),
        policy=None if limit is None else "global-norm=15",
        seed=0,
        arguments={"lr": 0.01, "hidden": [256, 128]} | (arguments or {}),
    )
    with RunWriter(path, metadata) as writer:
        for step, row in enumerate(norms):
            total = float(np.sqrt(np.sum(row**2)))
            least = limit(step) if callable(limit) else limit
            clips = least is not None and np.isfinite(total) and total > least
            scale = least / total if clips else 1.0
            fields = {
                "step": step,
                "time": 0.01 * (step + 1),
                "loss": 2.0 / (step + 1),
                "accuracy": step / (step + 1),
                "learning_rate": 0.01,
                "global_norm_before": total,
                "global_norm_after": total * scale,
                "limit": least,
                "scale": scale,
                "norms_before": tuple(row.tolist()),
                "norms_after": tuple((row * scale).tolist()),
            }
            fields |= {n: value(step) if callable(value) else value for n, value in changes.items()}
            writer.write(StepRecord(**fields))
        writer.finish(status, summary)
    return open_run(path)


def facts_of(path, norms, **options):
    """Write such a run, and return what a report reads of it."""
    return gather("run", write_run(path, norms, **options))


@pytest.fixture
def run(tmp_path):
    """Four steps of two layers; the first alone is clipped."""
    norms = [
        [40.0, 1.0, 30.0, 1.0],
        [3.0, 0.1, 4.0, 0.1],
        [2.0, 0.1, 3.0, 0.1],
        [1.0, 0.1, 2.0, 0.1],
    ]
    return write_run(tmp_path / "run", norms, summary={"test_accuracy": 0.9312})


@pytest.fixture
def facts(run):
    return gather("run", run)


@pytest.fixture
def measured_run(tmp_path):
    """Three steps of one layer; an update is measured at the first and the last."""
    return write_run(
        tmp_path / "measured",
        [[1.0], [2.0], [3.0]],
        weight_norms=lambda step: None if step == 1 else (10.0,),
        update_norms=lambda step: None if step == 1 else (0.01 * (step + 1),),
    )


@pytest.fixture
def broken_run(tmp_path):
    """Four steps with a NaN, an infinity and a zero."""
    norms = [[1.0, 1.0], [np.nan, 1.0], [np.inf, 1.0], [0.0, 1.0]]
    return write_run(tmp_path / "broken", norms, names=["w1", "w2"])


@pytest.fixture
def empty_run(tmp_path):
    """A run that was interrupted before its first step."""
    return write_run(tmp_path / "empty", np.zeros((0, 2)), names=["w1", "w2"], status="interrupted")
