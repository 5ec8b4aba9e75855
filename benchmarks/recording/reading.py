"""How long a long run takes to open and to thin, beside reading whole columns of it."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recording.made import metadata, records
from gradclip.record import RunWriter, open_run
from gradclip.record.segment import SUFFIX, SegmentReader

_BATCH = 512
_BUCKETS = 1000
_REPEATS = 5


def measure(
    num_tensors: int, num_steps: int, *, counts: bool, columns: bool
) -> Iterator[dict[str, Any]]:
    """Write a run through the real writer, and read it.

    Args:
        num_tensors: How many tensors a step has.
        num_steps: How many steps.
        counts: Whether largest entries and counts are there, beside the two norms.
        columns: Whether to read all norms of all steps too, which takes memory.

    Yields:
        One row.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        writing = _write(folder / "run", num_tensors, num_steps, statistics=counts)
        files = [*(folder / "run").glob(f"*{SUFFIX}")]
        row: dict[str, Any] = {
            "tensors": num_tensors,
            "steps": num_steps,
            "counts": counts,
            "written_us": 1e6 * writing / num_steps,
            "gigabytes": sum(path.stat().st_size for path in files) / 1e9,
        }
        row["thin_first_s"] = _seconds(lambda: open_run(folder / "run").thin(_BUCKETS))
        row["thin_s"] = _median(lambda: open_run(folder / "run").thin(_BUCKETS))
        row["slice_s"] = _median(
            lambda: open_run(folder / "run").read(num_steps // 2, num_steps // 2 + 99)
        )
        row["numbers_s"] = _median(lambda: _columns(folder / "run", "steps", "global_norm_before"))
        if columns:
            row["columns_s"] = _seconds(lambda: _columns(folder / "run", "tensors", "norms_before"))
        yield row
    finally:
        shutil.rmtree(folder)


def _write(path: Path, num_tensors: int, num_steps: int, *, statistics: bool) -> float:
    """Write a run, and return how many seconds the writer took."""
    elapsed = 0.0
    with RunWriter(path, metadata(num_tensors)) as writer:
        for first in range(0, num_steps, _BATCH):
            steps = range(first, min(first + _BATCH, num_steps))
            batch = records(num_tensors, steps, statistics=statistics)
            start = time.perf_counter()
            writer.write(*batch)
            elapsed += time.perf_counter() - start
    return elapsed


def _columns(path: Path, kind: str, name: str) -> float:
    """Read a whole column, part by part, and return its greatest value."""
    reader = SegmentReader(path / f"{kind}-0000-rank0{SUFFIX}")
    parts = (reader.read(first, first + 4096)[0] for first in range(0, len(reader), 4096))
    return float(max(np.nanmax(part[name]) for part in parts))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _median(call: Callable[[], object]) -> float:
    return statistics.median(_seconds(call) for _ in range(_REPEATS))
