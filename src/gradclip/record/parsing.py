"""Takes the two files of a run apart: JSON in, metadata and columns out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from gradclip.record.encoding import decode
from gradclip.record.schema import Metadata, Parameter, Status, StepRecord

Description = dict[str, Any]  # a JSON object: what is in it is known only after reading it
_NULLS = {"loss": np.nan, "accuracy": np.nan, "learning_rate": np.nan, "limit": np.inf}


def parse_metadata(description: Description) -> Metadata:
    """Return the metadata in the contents of `run.json`.

    Raises:
        KeyError: Something is missing.
        ValueError: The status is none that we write.
    """
    if description["status"] not in get_args(Status):
        msg = f"its status is {description['status']!r}"
        raise ValueError(msg)
    framework = description["framework"]
    parameters = tuple(Parameter(p["name"], tuple(p["shape"])) for p in description["parameters"])
    names = set(Metadata.__slots__) - {"framework", "framework_version", "parameters"}
    return Metadata(
        framework=framework["name"],
        framework_version=framework["version"],
        parameters=parameters,
        **{name: description[name] for name in names},
    )


def parse_columns(path: Path, num_parameters: int) -> dict[str, Any]:
    """Return the columns of `steps.jsonl` by their names in `Run`.

    Raises:
        KeyError: A line lacks a field.
        OSError: The file cannot be read.
        ValueError: A line that is not the last is not JSON, or has the wrong number of norms.
    """
    rows = _rows(path)
    columns: dict[str, Any] = {}
    for name in StepRecord.__slots__:
        values = [row[name] for row in rows]
        columns[name] = _column(name, values, num_parameters)
    columns["steps"] = columns.pop("step")
    return columns


def _rows(path: Path) -> list[Description]:
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
