"""Runs that a test writes itself, small and checkable by hand."""

import numpy as np
import pytest

from gradclip.record import Metadata, Parameter, RunWriter, StepRecord, read_run


def write_run(path, norms, *, limit=15.0, names=None, summary=None, status="finished"):
    """Write a run of global-norm clipping with the given norms before clipping, (S, P)."""
    norms = np.asarray(norms, dtype=float)
    names = names or [f"{'wb'[i % 2]}{i // 2 + 1}" for i in range(norms.shape[1])]
    shapes = [(4, 4) if name.startswith("w") else (4,) for name in names]
    metadata = Metadata(
        program="a test",
        framework="torch",
        framework_version="2.13.0",
        gradclip="0.1.0",
        python="3.11",
        parameters=tuple(map(Parameter, names, shapes)),
        policy=None if limit is None else f"global-norm={limit:g}",
        seed=0,
        arguments={"lr": 0.01, "hidden": [256, 128]},
    )
    with RunWriter(path, metadata) as writer:
        for step, row in enumerate(norms):
            total = float(np.sqrt(np.sum(row**2)))
            clips = limit is not None and np.isfinite(total) and total > limit
            scale = limit / total if clips else 1.0
            writer.write(
                StepRecord(
                    step=step,
                    time=0.01 * (step + 1),
                    loss=2.0 / (step + 1),
                    accuracy=step / (step + 1),
                    learning_rate=0.01,
                    global_norm_before=total,
                    global_norm_after=total * scale,
                    limit=limit,
                    scale=scale,
                    norms_before=tuple(row.tolist()),
                    norms_after=tuple((row * scale).tolist()),
                )
            )
        writer.finish(status, summary)
    return read_run(path)


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
def broken_run(tmp_path):
    """Four steps with a NaN, an infinity and a zero."""
    norms = [[1.0, 1.0], [np.nan, 1.0], [np.inf, 1.0], [0.0, 1.0]]
    return write_run(tmp_path / "broken", norms, names=["w1", "w2"])


@pytest.fixture
def empty_run(tmp_path):
    """A run that was interrupted before its first step."""
    return write_run(tmp_path / "empty", np.zeros((0, 2)), names=["w1", "w2"], status="interrupted")
