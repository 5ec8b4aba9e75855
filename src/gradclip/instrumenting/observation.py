"""What a framework's hooks saw of one step; it looks like a `Report`, and its reader adds it up."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.ratio import ratio
from gradclip.instrumenting.totals import totals
from gradclip.record.convert import vector

_COUNTED = ("largest", "nonfinite", "zeros")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """Gradients before and after whatever the program does to them.

    It takes the place of a `gradclip` report in a `Recorder`, whose thread asks for the totals:
    what lies on a device is waited for there, and nothing is added up where training runs.

    Attributes:
        names: The parameters' names, P of them.
        parts_before: Each gradient's norm as it came, (P,); 0 where there is none.
        parts_after: The same of what the optimizer got, (P,).
        statistics: What one look told of the gradients as they came; None if nobody looked.
        limit: The threshold in force; inf where there is none, NaN where it is not known.
        skipped: Whether the step was dropped.

    Example:
        >>> seen = Observation(names=("w", "b"), parts_before=[3.0, 4.0], parts_after=[0.3, 0.4])
        >>> seen.norm_before, round(seen.scale, 3)
        (5.0, 0.1)
    """

    names: tuple[str, ...]
    parts_before: Any
    parts_after: Any
    statistics: Statistics | None = None
    limit: Any = math.inf
    skipped: bool = False

    @property
    def norm_before(self) -> float:
        """The norm of all gradients as they came."""
        return _total(vector(self.parts_before))

    @property
    def norm_after(self) -> float:
        """The norm of what the optimizer got; 0 for a skipped step."""
        return 0.0 if self.skipped else _total(vector(self.parts_after))

    @property
    def scale(self) -> float:
        """How far the norm was scaled; exactly 1 where nothing was changed."""
        if self.parts_after is self.parts_before and not self.skipped:
            return 1.0
        return float(ratio([self.norm_before], [self.norm_after])[0])

    @property
    def form(self) -> Hashable:
        """What observations that are read at once have in common; None for one read alone."""
        kind = type(self.parts_before)
        columns = self._columns()
        if not hasattr(kind, "joined") or any(type(c) is not kind for c in columns.values()):
            return None
        places = tuple((name, column.form) for name, column in columns.items())
        return kind, self.names, self.parts_after is self.parts_before, places

    @classmethod
    def together(cls, observations: Sequence[Self]) -> dict[str, NDArray[Any]]:
        """Read N observations of one form, whose columns know how to be joined.

        Args:
            observations: The observations.

        Returns:
            What a `StepRecord` holds of them, by its fields' names: (N,) or (N, P) each.
        """
        given = [each._columns() for each in observations]  # noqa: SLF001 - of its own class
        tables = type(observations[0].parts_before).joined([[*c.values()] for c in given])
        columns: dict[str, NDArray[Any]] = dict(zip(given[0], tables, strict=True))
        return summed(
            columns,
            limit=np.array([float(each.limit) for each in observations]),
            skipped=np.array([bool(each.skipped) for each in observations]),
        )

    def _columns(self) -> dict[str, Any]:
        """Return all columns that are to be read, by a `StepRecord`'s names."""
        columns = {"norms_before": self.parts_before}
        if self.parts_after is not self.parts_before:
            columns["norms_after"] = self.parts_after
        if self.statistics is not None:
            columns |= {name: getattr(self.statistics, name) for name in _COUNTED}
        return columns


def summed(
    columns: dict[str, NDArray[Any]], *, limit: NDArray[Any], skipped: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return what a `StepRecord` holds of N steps, by its fields' names.

    Args:
        columns: What was seen of each tensor, (N, P) each; without `norms_after` where nothing
            was changed.
        limit: The thresholds in force, (N,).
        skipped: Whether the steps were dropped, (N,).
    """
    changed = "norms_after" in columns
    before = totals(columns["norms_before"])
    after = totals(columns["norms_after"]) if changed else before.copy()
    after[skipped] = 0.0
    return {
        **columns,
        "norms_after": columns["norms_after" if changed else "norms_before"],
        "global_norm_before": before,
        "global_norm_after": after,
        "limit": limit,
        "scale": np.where(changed | skipped, ratio(before, after), 1.0),
        "skipped": skipped,
    }


def _total(parts: NDArray[Any]) -> float:
    """Return the 2-norm of parts at any scale."""
    return float(totals(parts.reshape(1, -1))[0])
