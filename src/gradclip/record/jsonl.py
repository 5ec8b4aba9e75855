"""Runs of schema 1, whose steps are lines of JSON: read for ever, written no more."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradclip.record.encoding import decode

STEPS_FILE = "steps.jsonl"
_NULLS = {"loss": np.nan, "accuracy": np.nan, "learning_rate": np.nan, "limit": np.inf}
_FIELDS = (
    "step", "time", "loss", "accuracy", "learning_rate", "global_norm_before",
    "global_norm_after", "limit", "scale", "skipped", "norms_before", "norms_after",
)  # fmt: skip


def parse_columns(path: Path, num_parameters: int) -> dict[str, Any]:
    """Return the columns of `steps.jsonl` by their names in `Run`.

    Raises:
        KeyError: A line lacks a field.
        OSError: The file cannot be read.
        ValueError: A line that is not the last is not JSON, or has the wrong number of norms.
    """
    rows = _rows(path)
    columns: dict[str, Any] = {}
    for name in _FIELDS:
        values = [row[name] for row in rows]
        columns[name] = _column(name, values, num_parameters)
    columns["steps"] = columns.pop("step")
    return columns


def _rows(path: Path) -> list[dict[str, Any]]:
    """Return the lines' contents without a torn last one.

    Raises:
        ValueError: A line that is not the last is not JSON.
    """
    lines = path.read_bytes().splitlines()
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(decode(json.loads(line)))
        except ValueError as error:
            if number < len(lines):
                msg = f"line {number} of {path.name} is not JSON"
                raise ValueError(msg) from error
    return rows  # type: ignore[return-value]  # an object by line; a foreign one fails by field


def _column(name: str, values: Sequence[object], num_parameters: int) -> object:
    """Return one field of all steps as an array of its type and shape."""
    if name == "step":
        return np.asarray(values, dtype=np.int64)
    if name == "skipped":
        return np.asarray(values, dtype=np.bool_)
    if name.startswith("norms_"):
        norms = np.asarray(values, dtype=np.float64)
        return norms.reshape(len(values), num_parameters)
    null = _NULLS.get(name)
    return np.asarray([null if value is None else value for value in values], dtype=np.float64)
