"""Steps of the optimizers that train together, put together to steps of training."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.core.statistics import Statistics
from gradclip.instrumenting.observation import Observation
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.instrumenting.torch.seen import LARGEST, NONFINITE, NORMS, ZEROS, Column, Seen


@dataclass(kw_only=True, slots=True)
class Part:
    """One optimizer's part in a step.

    Attributes:
        trained: What the optimizer trains.
        before: What the gradients were as they came.
        after: What the optimizer got; the same object where nothing was changed.
        names: The names of the parameters, as they were at the step.
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
    names: tuple[str, ...] = ()
    limit: Any = math.inf
    skipped: Any = False
    loss: Any = None
    learning_rate: Any = None
    report: Report | None = None
    changed: dict[str, Tensor] | None = None

    def __post_init__(self) -> None:
        self.names = self.trained.names


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
        return any(part.trained.shares(trained) for part in self.parts)

    def take(self) -> list[Part]:
        """Return the parts, and begin anew."""
        parts, self.parts, self.within_backward = self.parts, [], False
        return parts


def summary(parts: list[Part]) -> Observation | Report:
    """Return what is recorded of a step."""
    report = parts[0].report
    return report if len(parts) == 1 and report is not None else _observation(parts)


def _observation(parts: list[Part]) -> Observation:
    """Return what was seen of a step's parts, put together."""
    before = tuple(part.before for part in parts)
    norms = Column(before, NORMS)
    changed = any(part.after is not part.before for part in parts)
    skipped = [part.skipped for part in parts]
    return Observation(
        names=_joined([part.names for part in parts]),
        parts_before=norms,
        parts_after=Column(tuple(part.after for part in parts), NORMS) if changed else norms,
        statistics=_statistics(before) if all(seen.counted for seen in before) else None,
        limit=_common([part.limit for part in parts]),
        skipped=skipped[0] if len(skipped) == 1 else all(map(bool, skipped)),
    )


def numbers(parts: list[Part]) -> dict[str, Any]:
    """Return what else is recorded of a step."""
    found = {"loss": _sum([part.loss for part in parts])}
    found["learning_rate"] = parts[0].learning_rate
    changed = [part.changed for part in parts if part.changed is not None]
    if len(changed) == len(parts):
        found |= {name: _end_to_end([norms[name] for norms in changed]) for name in changed[0]}
    return found


def _statistics(before: tuple[Seen, ...]) -> Statistics:
    """Return what else is known of gradients; nobody reads the norms here."""
    others = (Column(before, place) for place in (LARGEST, NONFINITE, ZEROS))
    return Statistics(None, None, *others)


def _joined(names: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all names; of one optimizer's the very same object, which is compared at once."""
    return names[0] if len(names) == 1 else tuple(name for part in names for name in part)


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
