"""Reads many steps at once, where their reports can be read so."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.record.arriving import Within
from gradclip.record.block import Block, Form, real_type
from gradclip.record.convert import NOTED, column, refuse_others
from gradclip.record.placing import spread


class Joinable(Protocol):
    """A report that can be read together with others of its type."""

    @property
    def form(self) -> Hashable:
        """What reports that are read at once have in common; None where this one is read alone."""
        ...

    @classmethod
    def together(cls, reports: Sequence[Self]) -> Mapping[str, NDArray[Any]]:
        """Read N reports of one form, exactly as each would be read alone.

        Args:
            reports: The reports.

        Returns:
            What a `StepRecord` holds of them, by its fields' names: numbers (N,) and vectors
            (N, P), the statistics if there are some.
        """
        ...


class Step(NamedTuple):
    """What a recorder was given of a step.

    Attributes:
        step: Its number.
        time: Seconds since the start.
        report: What was reported.
        places: Those of the report's parameters among the run's; None for all in order.
        numbers: What else is known.
        lost: How many steps right before it could not be kept.
        within: What it is read within; None for what can be read as it is.
    """

    step: int
    time: float
    report: Any
    places: list[int] | None
    numbers: Mapping[str, Any]
    lost: int
    within: Within | None = None


def stretches(steps: Sequence[Step]) -> Iterator[tuple[bool, list[Step]]]:
    """Yield neighbouring steps, and whether `joined` can read them.

    Args:
        steps: The steps, in order.
    """
    for key, group in groupby(steps, _key):
        yield key is not None, list(group)


def joined(steps: Sequence[Step], length: int) -> Block:
    """Return what neighbouring steps did.

    Args:
        steps: Some that `stretches` puts together.
        length: How many parameters the run has.

    Raises:
        ValueError: Training went back among them.
        TypeError: There is something else among the numbers.
    """
    refuse_others(set().union(*(step.numbers for step in steps)))
    order = np.array([step.step for step in steps], dtype=np.int64)
    if (order[1:] <= order[:-1]).any():
        msg = "steps that are read together have rising numbers"
        raise ValueError(msg)
    place = partial(spread, places=steps[0].places, length=length)
    reports = [step.report for step in steps]
    found = type(reports[0]).together(reports)
    columns = {name: place(c) if c.ndim > 1 else c for name, c in found.items()}
    columns["time"] = np.array([step.time for step in steps])
    for name in NOTED:
        columns[name] = np.array([_known(step.numbers.get(name)) for step in steps])
    before = columns["norms_before"]
    return Block(
        form=Form(before.shape[1], real_type(before), "largest" in columns),
        steps=order,
        lost=np.array([step.lost for step in steps], dtype=np.int64),
        columns=columns,
        updates=[
            (
                step.step,
                column(step.numbers.get("weight_norms"), place),
                column(step.numbers["update_norms"], place),
            )
            for step in steps
            if step.numbers.get("update_norms") is not None
        ],
    )


def _key(step: Step) -> Hashable:
    """Return what steps that are read at once have in common; None for one that is read alone."""
    try:
        form = step.report.form
    except Exception:  # noqa: BLE001 - whatever a report is, training goes on
        return None
    return None if form is None else (type(step.report), form, id(step.places))


def _known(value: Any) -> float:
    """Return a number; NaN for one that is not known."""
    return math.nan if value is None else float(value)
