"""From a directory to what the list of runs shows: pure functions of the files."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.dashboard.discover import changed_at
from gradclip.dashboard.security import run_folder
from gradclip.errors import RunError
from gradclip.record.reader import RunReader, open_run
from gradclip.record.run import Numbers
from gradclip.record.schema import Json
from gradclip.record.thin import bucket_starts, thin

_MOST_STEPS = 20_000  # read for a row of the list: some milliseconds
_CURVE = 48  # points of the small curve
_RATE = 200  # steps that the speed is of
_MOST_TEXT = 300  # characters of a program's name


def run_row(directory: Path, path: str) -> dict[str, Json]:
    """Return what the list shows of one run; why it cannot be read, if so.

    Args:
        directory: Where all runs are.
        path: The run's place in it.

    Returns:
        Numbers, and null for what is not known. `of` is how many steps `clipped`, `skipped`,
        `broken` and `curve` are of: the last ones of a long run.

    Example:
        >>> run_row(Path("no-such-folder"), "mine")["error"]
        "There is no run 'mine' here."
    """
    row: dict[str, Json] = {"path": path, "name": path or directory.resolve().name}
    try:
        folder = run_folder(directory, path)
        reader = open_run(folder)
        return row | _about(reader) | _of_steps(reader) | {"changed": changed_at(folder)}
    except RunError as error:
        return row | {"error": str(error), "status": "damaged"}


def _about(reader: RunReader) -> dict[str, Json]:
    """Return what was known before the first step."""
    metadata = reader.metadata
    return {
        "status": reader.status,
        "program": str(metadata.program)[:_MOST_TEXT],
        "policy": None if metadata.policy is None else str(metadata.policy)[:_MOST_TEXT],
        "framework": str(metadata.framework),
        "created": _seconds(metadata.created),
        "parameters": len(metadata.parameters),
    }


def _of_steps(reader: RunReader) -> dict[str, Json]:
    """Return what the steps came to."""
    count = reader.num_steps
    # There are no fewer steps behind this number than wanted: no two have the same number.
    numbers = reader.numbers(first=max(count - _MOST_STEPS, 0))
    if not len(numbers.steps):
        return {"steps": 0, "of": 0}
    changed = (numbers.scale < 1) & ~numbers.skipped
    return {
        "steps": count,
        "of": len(numbers.steps),
        "lastStep": int(numbers.steps[-1]),
        "loss": finite(_last_known(numbers.loss)),
        "norm": finite(numbers.global_norm_before[-1]),
        "clipped": float(changed.mean()),
        "skipped": int(numbers.skipped.sum()),
        "broken": int((~np.isfinite(numbers.global_norm_before)).sum()),
        "speed": _speed(numbers),
        "curve": _curve(numbers),
    }


def _curve(numbers: Numbers) -> list[Json]:
    """Return the loss, or the norm where there is none, at a few points."""
    column = numbers.loss if np.isfinite(numbers.loss).any() else numbers.global_norm_before
    return [finite(value) for value in thin(column, bucket_starts(len(column), _CURVE)).mean]


def _speed(numbers: Numbers) -> float | None:
    """Return the last steps a second; None where time stood still or began anew."""
    times = numbers.time[-_RATE:]
    seconds = float(times[-1] - times[0])
    return finite((len(times) - 1) / seconds) if seconds > 0 else None


def _last_known(column: NDArray[np.float64]) -> float:
    """Return the last value that is no NaN, such as a loss that is not noted at every step."""
    known = column[~np.isnan(column)]
    return float(known[-1]) if len(known) else math.nan


def _seconds(created: object) -> float | None:
    """Return when a run was created, in seconds since 1970; None if that is not said."""
    try:
        time = datetime.fromisoformat(str(created))
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def finite(value: float) -> float | None:
    """Return a number of four digits as JSON has it: None for NaN and infinity.

    Example:
        >>> finite(1.23456), finite(math.nan)
        (1.235, None)
    """
    return float(f"{value:.4g}") if math.isfinite(value) else None
