"""Runs as one file of JSON: an object for each step, NaN and infinities as text."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from gradclip.record.disk import whole
from gradclip.record.encoding import encode
from gradclip.record.export.records import records_of
from gradclip.record.export.tables import COUNTS, counts_of
from gradclip.record.run import Run
from gradclip.record.schema import StepRecord

FORM = 1
_FIELDS = [f.name for f in fields(StepRecord)]


def write(parts: Iterator[Run], path: Path, described: str) -> list[Path]:
    """Write a run.

    Args:
        parts: The run, at least one part.
        path: Where to.
        described: What `run.json` holds of the run.

    Returns:
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as place, place.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"form": {FORM},\n"run": {described.rstrip()},\n"steps": [')
        separator = "\n"
        for part in parts:
            for record in records_of(part):
                file.write(separator + _line(record))
                separator = ",\n"
        file.write("\n]}\n")
    return [path]


def _line(record: StepRecord) -> str:
    """Return a step as JSON, under the names of `StepRecord`."""
    values = {name: _value(name, getattr(record, name)) for name in _FIELDS}
    return json.dumps(encode(values), allow_nan=False, separators=(",", ":"))


def _value(name: str, value: Any) -> Any:
    """Return what JSON can hold; counts are whole numbers, null where nobody counted."""
    if not isinstance(value, np.ndarray):
        return value
    if name in COUNTS:
        return counts_of(value)
    return value.tolist()
