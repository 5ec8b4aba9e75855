"""How soon another process sees a step, and what looking costs it."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.recording.made import names, report
from gradclip.record import Recorder, open_run

_PAUSE = 0.05


def measure(num_tensors: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Record here, follow from another process.

    Args:
        num_tensors: How many tensors a step has.
        seconds: How long.

    Yields:
        One row: how old the newest step is that the reader sees, and how long it takes to read
        the last hundred.
    """
    given = report(num_tensors)
    weights = {name: np.zeros(1, dtype=np.float32) for name in names(num_tensors)}
    with (
        tempfile.TemporaryDirectory() as folder,
        Recorder(f"{folder}/run", weights) as recorder,
    ):
        command = [sys.executable, "-m", __name__, recorder.path, str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            while reader.poll() is None:
                recorder.record(given, loss=time.time())  # the same clock in both processes
                time.sleep(2e-3)
            ages, reads = (
                [float(number) for number in line.split()]
                for line in reader.communicate()[0].splitlines()
            )
    yield {
        "tensors": num_tensors,
        "looks": len(ages),
        "age_ms": statistics.median(ages),
        "oldest_ms": max(ages),
        "read_ms": statistics.median(reads),
    }


def follow(path: str, seconds: float) -> None:
    """Look again and again, and print the ages of the newest steps and the times of reading."""
    reader = open_run(path)
    ages, reads = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(_PAUSE)
        start = time.perf_counter()
        reader.refresh()
        run = reader.read(first=max(reader.num_steps - 100, 0))
        reads.append(1e3 * (time.perf_counter() - start))
        if len(run.steps):
            ages.append(1e3 * (time.time() - run.loss[-1]))
    print(*ages)
    print(*reads)


if __name__ == "__main__":
    follow(sys.argv[1], float(sys.argv[2]))
