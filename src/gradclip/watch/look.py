"""Looks at a run: at first at its steps as wholes, then at what is new of it alone."""

import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.record.reader import RunReader
from gradclip.record.run import Numbers, ThinRun
from gradclip.record.schema import Json, Metadata, Status
from gradclip.watch.chart import thinned
from gradclip.watch.find import written_at
from gradclip.watch.layers import Layers, layers_of

CURVES = ("loss", "global_norm_before", "global_norm_after", "limit")
_BUCKETS = 2048  # more than there are places on any screen
_LOOK_BACK = 100  # steps in which a first look searches for a measured update


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is shown of a run is made of this alone.

    Attributes:
        path: The run's directory.
        metadata: What was known before the first step.
        status: How it ended, or `running`.
        summary: What was kept of the whole run; None until it ends.
        numbers: All steps, without their tensors.
        curves: Some of their columns, thinned.
        layers: The tensors of the last step; None before the first.
        num_beginnings: How many times writing began.
        idle_seconds: For how long nothing has been written.
    """

    path: Path
    metadata: Metadata
    status: Status
    summary: dict[str, Json] | None
    numbers: Numbers
    curves: ThinRun
    layers: Layers | None
    num_beginnings: int
    idle_seconds: float


def look(reader: RunReader, before: Look | None = None) -> Look:
    """Look at a run as far as its reader has seen it.

    Args:
        reader: What reads the run; `refresh` it first.
        before: What was seen at the look before: only the steps behind are read then.

    Returns:
        All that is shown. Tensors are read of the last step, and of some before it at first.
    """
    if before is not None and before.num_beginnings != reader.num_beginnings:
        before = None  # training may have gone back to a checkpoint
    numbers = _numbers(reader, before)
    same = before if before is not None and numbers is before.numbers else None
    return Look(
        path=reader.path,
        metadata=reader.metadata,
        status=reader.status,
        summary=reader.summary,
        numbers=numbers,
        curves=thinned(numbers, CURVES, _BUCKETS) if same is None else same.curves,
        layers=_layers(reader, numbers, before),
        num_beginnings=reader.num_beginnings,
        idle_seconds=max(time.time() - written_at(reader.path), 0.0),
    )


def _numbers(reader: RunReader, before: Look | None) -> Numbers:
    """Return all steps, of which those behind the last look's are read."""
    if before is None or not len(before.numbers.steps):
        return reader.numbers()
    new = reader.numbers(first=_last(before.numbers.steps) + 1)
    if not len(new.steps) and not new.damaged:
        return before.numbers
    columns = {
        field.name: np.concatenate([getattr(before.numbers, field.name), getattr(new, field.name)])
        for field in fields(Numbers)
        if field.name != "damaged"
    }
    return Numbers(**columns, damaged=before.numbers.damaged + new.damaged)


def _layers(reader: RunReader, numbers: Numbers, before: Look | None) -> Layers | None:
    """Return the tensors of the last step, with the update that was measured last."""
    if not len(numbers.steps):
        return None
    known = None if before is None else before.layers
    step = _last(numbers.steps)
    if known is not None and known.step == step:
        return known
    first = int(numbers.steps[-_LOOK_BACK:][0]) if known is None else known.step + 1
    updates = reader.updates(first=max(first, int(numbers.steps[-_LOOK_BACK:][0])))
    return layers_of(reader.read(step, step), updates, known)


def _last(steps: NDArray[np.int64]) -> int:
    """Return the last step's number."""
    return int(steps[-1])
