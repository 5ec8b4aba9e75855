"""What `Recorder.record` costs the thread that trains, while its own thread writes."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.recording.made import names, report
from gradclip.record import Recorder, read_run

_STEP_SECONDS = 3e-3  # of arithmetic between two steps
_TURN = 100  # steps with recording, then without; the first half of each shares its time


def measure(num_tensors: int, num_steps: int) -> Iterator[dict[str, Any]]:
    """Train in loops of arithmetic, with and without recording in turn.

    Args:
        num_tensors: How many tensors a step has.
        num_steps: How many steps.

    Yields:
        One row: what a call takes, and by how much a step is slower in all.
    """
    given = report(num_tensors)
    weights = {name: np.zeros(1, dtype=np.float32) for name in names(num_tensors)}
    calls: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(f"{folder}/run", weights)
        alone, beside = [], []
        for step in range(2 * num_steps):
            recorded = step // _TURN % 2 == 1
            start = time.perf_counter()
            _train()
            if recorded:
                before = time.perf_counter()
                recorder.record(given, loss=1.0, learning_rate=1e-3)
                calls.append(time.perf_counter() - before)
            if 2 * (step % _TURN) >= _TURN:
                (beside if recorded else alone).append(time.perf_counter() - start)
        recorder.close()
        kept = len(read_run(recorder.path).steps)
    calls.sort()
    yield {
        "tensors": num_tensors,
        "steps": len(calls),
        "kept": kept,
        "median_us": 1e6 * statistics.median(calls),
        "p99_us": 1e6 * calls[int(0.99 * len(calls))],
        "most_us": 1e6 * calls[-1],
        "step_ms": 1e3 * statistics.median(alone),
        "step_recorded_ms": 1e3 * statistics.median(beside),
        "mean_step_ms": 1e3 * statistics.fmean(alone),
        "mean_step_recorded_ms": 1e3 * statistics.fmean(beside),
    }


_MATRIX = np.ones((64, 64), dtype=np.float32)  # too small for NumPy to share among cores


def _train() -> None:
    """Do arithmetic, partly in Python, as a step does."""
    end = time.perf_counter() + _STEP_SECONDS
    while time.perf_counter() < end:
        _MATRIX @ _MATRIX
