"""Compares what a followed program's run holds with what its edited copy wrote."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradclip.record import read_run
from gradclip.record.run import Run

Row = dict[str, Any]
_CLIPPED = 0.999999  # norms that differ by less were rounded


class Step(NamedTuple):
    """A recorded step."""

    loss: float
    before: dict[str, float]
    after: dict[str, float]


def compare(path: Path, shown: Path) -> Row:
    """Return how far a run, or several one after the other, is what the edited copy wrote.

    Args:
        path: The run directory; a second run of the same program is beside it with -2, and so on.
        shown: What the edited copy wrote.

    Returns:
        Counts of steps, whether names are the same, and the largest relative differences.
    """
    lines = [json.loads(line) for line in shown.read_text().splitlines()]
    named = [line["names"] for line in lines if "names" in line]
    wanted = [line for line in lines if "loss" in line]
    runs = list(_runs(path))
    steps = [step for run in runs for step in _steps(run)]
    row: Row = {"runs": len(runs), "steps": len(steps), "steps_shown": len(wanted)}
    recorded = [[p.name for p in run.metadata.parameters] for run in runs]
    known = named or [list(dict.fromkeys(n for line in wanted for n in line["before"]))]
    row["names"] = sorted({n for names in recorded for n in names}) == sorted(
        {n for names in known for n in names}
    )
    row["tensors"] = len({n for names in recorded for n in names})
    if not row["names"]:
        row["names_recorded"], row["names_shown"] = recorded[:1], known[:1]
    pairs = list(zip(steps, wanted, strict=False))
    if pairs:
        row |= _differences(pairs)
    return row


def _differences(pairs: list[tuple[Step, Row]]) -> Row:
    """Return the largest relative differences of losses and norms."""
    return {
        "loss": max(_apart(step.loss, line["loss"]) for step, line in pairs),
        "last_loss_same": pairs[-1][0].loss == pairs[-1][1]["loss"],
        "losses_same": sum(step.loss == line["loss"] for step, line in pairs),
        "before": max(_apart(_total(s.before), _total(line["before"])) for s, line in pairs),
        "after": max(_apart(_total(s.after), _total(line["after"])) for s, line in pairs),
        "each": max(_each(s, line) for s, line in pairs),
        "clipped": sum(_total(x["after"]) < _CLIPPED * _total(x["before"]) for _, x in pairs),
    }


def _runs(path: Path) -> Iterator[Run]:
    """Yield a program's runs, one after the other."""
    number = 1
    while (here := path if number == 1 else path.with_name(f"{path.name}-{number}")).is_dir():
        yield read_run(here)
        number += 1


def _steps(run: Run) -> Iterator[Step]:
    """Yield a run's steps."""
    names = [parameter.name for parameter in run.metadata.parameters]
    for loss, before, after in zip(run.loss, run.norms_before, run.norms_after, strict=True):
        yield Step(
            float(loss),
            dict(zip(names, before.tolist(), strict=True)),
            dict(zip(names, after.tolist(), strict=True)),
        )


def _each(step: Step, line: Row) -> float:
    """Return how far a tensor's norm is off, over the global norm."""
    total = _total(line["before"]) or 1.0
    return max(abs(step.before.get(n, math.inf) - v) / total for n, v in line["before"].items())


def _total(norms: dict[str, float]) -> float:
    return float(np.linalg.norm(list(norms.values())))


def _apart(one: float, other: float) -> float:
    """Return a relative difference; NaN, which is greater than none, counts as infinite."""
    if math.isnan(one) or math.isnan(other):
        return math.inf
    return abs(one - other) / max(abs(one), abs(other), 1e-300)
