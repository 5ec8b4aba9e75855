"""Runs as a recorder writes them, and steps that are written down by hand."""

import numpy as np
import pytest

import gradclip
from gradclip.record import Numbers, Recorder, open_run
from gradclip.watch.layers import Layers
from gradclip.watch.look import look

WEIGHTS = {
    "first.weight": np.ones((2, 2), np.float32),
    "first.bias": np.ones(2, np.float32),
    "last.weight": np.ones((2, 1), np.float32),
}
GRADIENTS = [
    np.array([[3.0, 0.0], [0.0, 0.0]], np.float32),
    np.zeros(2, np.float32),
    np.array([[4.0], [0.0]], np.float32),
]


def record_steps(recorder, count, *, factor=1.0):
    """Record steps of global norm 5 * factor, clipped to 1."""
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
    for step in range(count):
        gradients = [gradient * np.float32(factor) for gradient in GRADIENTS]
        clipper(gradients, names=list(WEIGHTS))
        if recorder.wants_update:
            recorder.note(weight_norms=np.full(3, 2.0), update_norms=np.full(3, 0.1))
        recorder.record(clipper.report, loss=1.0 / (step + 1))


@pytest.fixture
def run(tmp_path):
    """Return the directory of a finished run of twelve steps."""
    with Recorder(
        tmp_path / "run", WEIGHTS, policy="global-norm=1", program="train.py"
    ) as recorder:
        record_steps(recorder, 12)
    return tmp_path / "run"


@pytest.fixture
def seen(run):
    """Return what is seen of that run."""
    return look(open_run(run))


def numbers(norms, **columns):
    """Return steps of these norms; other columns are as of a run that goes well."""
    norms = np.asarray(norms, dtype=float)
    ones = np.ones(len(norms))
    given = {
        "steps": np.arange(len(norms)),
        "time": np.arange(len(norms)) * 0.5,
        "loss": ones,
        "accuracy": ones * np.nan,
        "learning_rate": ones,
        "global_norm_before": norms,
        "global_norm_after": norms,
        "limit": ones * np.inf,
        "scale": ones,
        "skipped": np.zeros(len(norms), dtype=bool),
        "lost": np.zeros(len(norms), dtype=np.int64),
    }
    return Numbers(**given | columns)


def layers(norms, *, names=None, after=None, **columns):
    """Return layers of these norms before clipping."""
    before = np.asarray(norms, dtype=float)
    after = before if after is None else np.asarray(after, dtype=float)
    names = names or [f"layer{i}" for i in range(len(before))]
    given = {
        "before": before,
        "after": after,
        "scale": after / np.where(np.isfinite(before) & (before > 0), before, np.nan),
        "update": np.full(len(before), np.nan),
    }
    return Layers(
        step=7,
        names=tuple(names),
        matrices=np.arange(len(before)),
        columns=given | {name: np.asarray(column, float) for name, column in columns.items()},
    )
