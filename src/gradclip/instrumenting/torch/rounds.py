"""Steps of the optimizers that train together, put together to steps of training."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.core.statistics import Statistics
from gradclip.instrumenting.ratio import ratio
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.instrumenting.torch.seen import (
    LARGEST,
    NONFINITE,
    NORMS,
    ZEROS,
    Column,
    Seen,
)
from gradclip.instrumenting.torch.together import columns_of, form_of
from gradclip.torch.squares import hypotenuse


@dataclass(kw_only=True, slots=True)
class Part:
    """One optimizer's part in a step.

    Attributes:
        trained: What the optimizer trains.
        before: What the gradients were as they came.
        after: What the optimizer got; the same object where nothing was changed.
        names: The names of the parameters, as they are at the step.
        limit: The threshold in force; inf where there is none, NaN where it is not known.
        skipped: Whether the step was dropped, a bool or a tensor ().
        loss: What was differentiated for it; None if nothing was.
        learning_rate: That of the first group.
        report: What gradclip's own clipping reported, if it clipped.
        changed: The norms of what the step changed and of what was there, where that was measured.
    """

    trained: Trained
    before: Seen
    after: Seen
    names: tuple[str, ...]
    limit: Any = math.inf
    skipped: Any = False
    loss: Any = None
    learning_rate: Any = None
    report: Report | None = None
    changed: dict[str, Tensor] | None = None


@dataclass(slots=True)
class Round:
    """The parts of the step under way, in the order in which optimizers stepped.

    Attributes:
        parts: The parts.
        within_backward: Whether some of them stepped while `backward` was calling.
    """

    parts: list[Part] = field(default_factory=list)
    within_backward: bool = False

    def holds(self, trained: Trained) -> bool:
        """Tell whether some of these parameters have been trained in this step."""
        parts = self.parts
        return bool(parts) and any(part.trained.shares(trained) for part in parts)

    def take(self) -> list[Part]:
        """Return the parts, and begin anew."""
        parts, self.parts, self.within_backward = self.parts, [], False
        return parts


def summary(parts: list[Part]) -> "Summary | Report":
    """Return what is recorded of a step."""
    report = parts[0].report
    return report if len(parts) == 1 and report is not None else Summary(parts)


class Summary:
    """What was seen of a step's parts; it looks like a `Report`, and its reader puts it together.

    Args:
        parts: The parts.

    Attributes:
        names: The names of all parameters.
    """

    __slots__ = ("_parts", "names")

    def __init__(self, parts: list[Part]) -> None:
        self.names = parts[0].names if len(parts) == 1 else _joined(parts)
        self._parts = parts

    @property
    def norm_before(self) -> float:
        """The norm of all gradients as they came."""
        return _total([part.before for part in self._parts])

    @property
    def norm_after(self) -> float:
        """The norm of what the optimizers got; 0 for a skipped step."""
        return 0.0 if self.skipped else _total([part.after for part in self._parts])

    @property
    def scale(self) -> float:
        """How far the norm was scaled; exactly 1 where nothing was changed."""
        if all(part.after is part.before for part in self._parts):
            return 1.0
        return float(ratio([self.norm_before], [self.norm_after])[0])

    @property
    def limit(self) -> Any:
        """The threshold in force; NaN if it is not known, or there are several."""
        return _common([part.limit for part in self._parts])

    @property
    def skipped(self) -> bool:
        """Whether all optimizers' steps were dropped."""
        return all(bool(part.skipped) for part in self._parts)

    @property
    def parts_before(self) -> Column:
        """Each gradient's norm as it came."""
        return Column([part.before for part in self._parts], NORMS)

    @property
    def parts_after(self) -> Column:
        """The same of what the optimizers got."""
        return Column([part.after for part in self._parts], NORMS)

    @property
    def statistics(self) -> Statistics | None:
        """What else is known of the gradients as they came; nobody reads the norms here."""
        before = [part.before for part in self._parts]
        if not all(seen.counted for seen in before):
            return None
        others = (Column(before, place) for place in (LARGEST, NONFINITE, ZEROS))
        return Statistics(None, None, *others)

    @property
    def form(self) -> Hashable:
        """What steps that are read at once have in common; None where this one is read alone."""
        return form_of(self._parts)

    @classmethod
    def together(cls, reports: Sequence[Self]) -> dict[str, NDArray[Any]]:
        """Read N steps of one form, exactly as each would be read alone.

        Args:
            reports: The steps.

        Returns:
            What a `StepRecord` holds of them, by its fields' names.
        """
        skipped = np.array([one.skipped for one in reports])
        parts = [one._parts for one in reports]  # noqa: SLF001 - of this very class
        found = columns_of(parts, skipped)
        limits = np.array([float(one.limit) for one in reports])
        return {**found, "skipped": skipped, "limit": limits}


def numbers(parts: list[Part]) -> dict[str, Any]:
    """Return what else is recorded of a step."""
    first = parts[0]
    if len(parts) == 1 and first.changed is None:  # most often it is
        return {"loss": first.loss, "learning_rate": first.learning_rate}
    found = {"loss": _sum([part.loss for part in parts]), "learning_rate": first.learning_rate}
    changed = [part.changed for part in parts if part.changed is not None]
    if len(changed) == len(parts):
        found |= {name: _end_to_end([norms[name] for norms in changed]) for name in changed[0]}
    return found


def _total(seen: list[Seen]) -> float:
    """Return the norm of all gradients as one vector."""
    return seen[0].total if len(seen) == 1 else hypotenuse([one.total for one in seen])


def _joined(parts: list[Part]) -> tuple[str, ...]:
    """Return all names."""
    return tuple(name for part in parts for name in part.names)


def _common(limits: list[Any]) -> Any:
    """Return the limit that is in force for all; NaN if there are several."""
    if len(limits) == 1:
        return limits[0]
    return limits[0] if all(limit == limits[0] for limit in limits) else math.nan


def _sum(losses: list[Any]) -> Any:
    """Return the sum of the losses that there are; None if there are none."""
    present = [loss for loss in losses if loss is not None]
    return sum(present[1:], present[0]) if present else None


def _end_to_end(norms: list[Tensor]) -> Tensor:
    """Return all norms, on the first one's device."""
    return torch.cat([part.to(norms[0].device) for part in norms]) if len(norms) > 1 else norms[0]
