"""A step as a row of what a program returned, of which nothing is made before it is written."""

import math
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.column import Column
from gradclip.instrumenting.jax.looking import STATISTICS
from gradclip.instrumenting.jax.seen import Layout, Number, Packed
from gradclip.instrumenting.observation import Observation, summed


class Row:
    """What a `Recorder` takes for a report of a step, told by one row.

    It is made at each step of programs that are followed: what it holds is looked for where it is
    written.

    Args:
        packed: Where it is.
        row: Which row it is.
        layout: What it holds.
        names: What the parameters are called in the run.
    """

    __slots__ = ("_layout", "_packed", "_row", "names")

    def __init__(self, packed: Packed, row: int, layout: Layout, names: tuple[str, ...]) -> None:
        self._packed, self._row, self._layout, self.names = packed, row, layout, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self.observation, name)

    @property
    def observation(self) -> Observation:
        """The step as it is read alone."""
        layout = self._layout
        columns = {n: Column(self._packed, self._row, place) for n, place in layout.places}
        before, after = columns["before"], columns[_after(layout)]
        found = [columns.get(name) for name in STATISTICS[1:]]
        return Observation(
            names=self.names,
            parts_before=before,
            parts_after=after,
            statistics=None if None in found else Statistics(None, before, *found),
            limit=self.number("limit", math.inf),
            skipped=self.number("skipped", False),  # noqa: FBT003 - what there is otherwise
        )

    def number(self, name: str, otherwise: Any = None) -> Any:
        """Return a number to be read later, or something else where it was not seen."""
        place = self._layout.number(name)
        return otherwise if place is None else Number(((self._packed, self._row, place),))

    @property
    def form(self) -> Hashable:
        """What rows that are read at once have in common."""
        return self._layout, self.names

    @classmethod
    def together(cls, rows: Sequence[Self]) -> dict[str, NDArray[Any]]:
        """Read N rows of one form.

        Args:
            rows: The rows.

        Returns:
            What a `StepRecord` holds of them, by its fields' names: (N,) or (N, P) each.
        """
        layout = rows[0]._layout  # noqa: SLF001 - of its own class, as below
        table = np.stack([row._packed.rows[row._row] for row in rows])  # noqa: SLF001
        given = {name: table[:, place] for name, place in layout.places}
        columns = {"norms_before": given["before"]}
        if _after(layout) != "before":
            columns["norms_after"] = given[_after(layout)]
        if set(STATISTICS) <= given.keys():
            columns |= {name: given[name] for name in STATISTICS[1:]}
        numbers = {name: layout.number(name) for name in ("limit", "skipped")}
        limit, skipped = (None if p is None else table[:, p] for p in numbers.values())
        return summed(
            columns,
            limit=np.full(len(rows), math.inf) if limit is None else limit.astype(np.float64),
            skipped=np.zeros(len(rows), bool) if skipped is None else skipped != 0,
        )


def _after(layout: Layout) -> str:
    """Return the name of the norms of what the optimizer got."""
    return next((n for n in ("after", "entering") if n in layout.columns), "before")
