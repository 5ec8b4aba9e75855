"""The committed outcomes, one a training, and where they were made."""

import json
import math
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import gradclip
from benchmarks.clipping.jobs import Job
from benchmarks.clipping.train import Outcome

STORE = Path(__file__).parents[1] / "results" / "clipping.json"
Outcomes = dict[Job, Outcome]


def read(path: Path = STORE) -> Outcomes:
    """Return what was stored."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text())["outcomes"]
    return {Job(**row["job"]): Outcome(**_decode(row["outcome"])) for row in rows}


def place(path: Path = STORE) -> str:
    """Return where and with what the last of it was made."""
    return str(json.loads(path.read_text())["place"])


def write(outcomes: Outcomes, path: Path = STORE) -> None:
    """Store outcomes in the order of their jobs' entries."""
    jobs = sorted(outcomes, key=lambda job: tuple(asdict(job).values()))
    rows = [
        json.dumps({"job": asdict(job), "outcome": _encode(asdict(outcomes[job]))}, allow_nan=False)
        for job in jobs
    ]
    lines = ",\n".join(rows)
    path.write_text(f'{{"place": {json.dumps(_here())}, "outcomes": [\n{lines}\n]}}\n')


def select(outcomes: Outcomes, **wanted: object) -> list[Outcome]:
    """Return the outcomes of the jobs that have certain entries, by their seeds."""
    jobs = sorted(outcomes, key=lambda job: job.seed)
    return [
        outcomes[job]
        for job in jobs
        if all(getattr(job, name) == value for name, value in wanted.items())
    ]


def _here() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"gradclip {gradclip.__version__}"
    )


def _encode(fields: dict[str, Any]) -> dict[str, Any]:
    """Write four digits, and text for what JSON has no number for."""
    return {name: _shorten(value) for name, value in fields.items()}


def _shorten(value: Any) -> Any:
    if isinstance(value, list):
        return [_shorten(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else str(value)
    return value


def _decode(fields: dict[str, Any]) -> dict[str, Any]:
    """Turn texts back into the numbers that they stand for."""
    losses = [float(loss) for loss in fields.pop("losses")]
    numbers = {k: float(v) if isinstance(v, str) else v for k, v in fields.items()}
    return {**numbers, "losses": losses}
