"""A run in parts: a long one is never in memory as a whole."""

import os
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from gradclip.record.reader import open_run
from gradclip.record.run import Run, Updates


def slices(
    run: Run | str | os.PathLike[str], num_values: int, *, rank: int | None = None
) -> Iterator[Run]:
    """Return a run in parts, in order.

    Args:
        run: The run, or its directory.
        num_values: How many tensors' steps a part has at most; at least one step is in each.
        rank: Whose records to read, of a directory.

    Yields:
        The parts; a run without steps is one part.
    """
    if isinstance(run, Run):
        num_steps = _num_steps(run, num_values)
        for start in range(0, max(len(run.steps), 1), num_steps):
            yield _cut(run, start, start + num_steps)
        return
    reader = open_run(run, rank=rank)
    empty = True
    for first, last in reader.spans(_num_steps(reader, num_values)):
        empty = False
        yield reader.read(first, last)
    if empty:  # or of schema 1, whose runs are short
        yield reader.read()


def _num_steps(run: Any, num_values: int) -> int:
    """Return how many steps of a run have so many tensors."""
    return max(num_values // max(len(run.metadata.parameters), 1), 1)


def _cut(run: Run, start: int, stop: int) -> Run:
    """Return some of the steps of a run that is in memory."""
    columns = {f.name: getattr(run, f.name) for f in fields(Run)}
    cut: dict[str, Any] = {
        n: c[start:stop] for n, c in columns.items() if isinstance(c, np.ndarray)
    }
    updates = run.updates
    if updates is not None:
        kept = np.isin(updates.steps, cut["steps"])
        updates = Updates(
            steps=updates.steps[kept],
            weight_norms=updates.weight_norms[kept],
            update_norms=updates.update_norms[kept],
        )
    return replace(run, updates=updates, **cut)
