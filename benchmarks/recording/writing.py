"""What a step costs the thread that writes, on the disk too, and its longest pause."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.recording.made import records
from benchmarks.recording.stores import STORES
from gradclip.record import StepRecord

_BATCH = 32  # steps that are written at once: at 3 ms a step, those of a tenth of a second


def measure(
    num_tensors: int, num_steps: int, repeats: int, folder: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Write the same steps into each store in turn, several times.

    Args:
        num_tensors: How many tensors a step has, each with all its statistics.
        num_steps: How many steps.
        repeats: How many times.
        folder: Where to.

    Yields:
        A row for each store: medians of the repeats, and the longest pause of all of them.
    """
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in STORES}
    batch = records(num_tensors, range(num_steps))
    for _ in range(repeats):
        for name, (_, share) in STORES.items():
            steps = batch[: max(num_steps // share, _BATCH)]
            found[name].append(_written(name, steps, num_tensors, folder))
    for name, times in found.items():
        middle = [statistics.median(column) for column in zip(*times, strict=True)]
        yield {
            "tensors": num_tensors,
            "name": name,
            "steps": max(num_steps // STORES[name][1], _BATCH),
            "microseconds": middle[0],
            "bytes": middle[1],
            "pause_ms": max(pause for _, _, pause in times),
            "repeats": repeats,
        }


def _written(
    name: str, steps: list[StepRecord], num_tensors: int, folder: Path | None
) -> tuple[float, float, float]:
    """Return microseconds and bytes a step, and the longest pause in milliseconds."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        store = STORES[name][0](place, num_tensors)
        pauses, start = [], time.perf_counter()
        for first in range(0, len(steps), _BATCH):
            before = time.perf_counter()
            store.write(steps[first : first + _BATCH])
            pauses.append(time.perf_counter() - before)
        elapsed = time.perf_counter() - start
        store.close()
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    finally:
        shutil.rmtree(place)
    return 1e6 * elapsed / len(steps), size / len(steps), 1e3 * max(pauses)
