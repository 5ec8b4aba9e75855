"""The results as they are kept."""

import functools
import itertools
import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gradclip.kernels import cpu

Row = dict[str, Any]
Results = dict[str, Any]  # the rows of each part, and under "place" where they were measured
PARTS = ("functions", "steps", "growth", "accuracy")
STORE = Path(__file__).parents[1] / "results" / "speed.json"
# What tells rows apart: a row that was measured again takes the place of the old one's whole set.
_SETS: Mapping[str, tuple[str, ...]] = {
    "functions": ("framework", "network", "threads"),
    "steps": ("model",),
    "growth": (),
    "accuracy": (),
}
_PACKAGES = (
    *("torch", "tensorflow-cpu", "jax", "optax", "numpy"),
    *("lightning", "zclip", "autoclip", "smartclip"),
)


def read(path: Path = STORE) -> Results:
    """Return what is stored."""
    return json.loads(path.read_text()) if path.exists() else {"place": {}}


def keep(part: str, rows: Iterable[Row], path: Path = STORE) -> None:
    """Keep what is measured in place of what was, set by set as it comes.

    Args:
        part: One of `PARTS`.
        rows: Its rows, as they are measured; the sets that are not among them are kept.
        path: Where.
    """
    where = place(os.getloadavg()[0])
    for _, fresh in itertools.groupby(rows, functools.partial(_set_of, part)):
        _replace(part, list(fresh), where, path)


def _set_of(part: str, row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in _SETS[part])


def _replace(part: str, fresh: list[Row], where: str, path: Path) -> None:
    results, replaced = read(path), _set_of(part, fresh[0])
    old = results.get(part, [])
    results[part] = [row for row in old if _set_of(part, row) != replaced] + fresh
    results["place"][part] = where
    ordered = {"place": results["place"]} | {p: results[p] for p in PARTS if p in results}
    path.write_text(json.dumps(ordered, indent=1) + "\n")


def place(load_before: float) -> str:
    """Say where and with what this was measured."""
    found = ", ".join(f"{name} {version(name).partition('+')[0]}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load_before:.1f} before the measurement, "
        f"Python {platform.python_version()}, {found}, {cpu.describe()}"
    )
