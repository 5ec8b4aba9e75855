"""Brings what several optimizers do together to training steps, and the steps into runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from weakref import ref

import numpy as np

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.naming import told_apart
from gradclip.instrumenting.observation import Observation
from gradclip.instrumenting.session import Session
from gradclip.record.convert import vector


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one optimizer did in a step.

    Attributes:
        optimizer: Its class.
        parameters: The names of what it trains, P of them, and the tensors or variables.
        before: Each gradient's norm as it came, (P,).
        after: The same of what the optimizer got, (P,).
        statistics: Columns of one look at the gradients as they came; None in place of those
            that nobody made.
        limit: The threshold in force; inf for none, NaN where it is not known.
        skipped: Whether the step was dropped.
        loss: What was differentiated, (); None if it was not seen.
        learning_rate: The learning rate, (); None if it was not seen.
        applied: The weights' norms and those of what the step changed, (P,) each; None if nobody
            measured.
        report: A report of gradclip's own, which takes the place of all that stands above.
    """

    optimizer: str
    parameters: Sequence[tuple[str, Any]]
    before: Any = ()
    after: Any = ()
    statistics: Statistics | None = None
    limit: Any = math.inf
    skipped: Any = False
    loss: Any = None
    learning_rate: Any = None
    applied: tuple[Any, Any] | None = None
    report: Any = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what it trains."""
        return tuple(name for name, _ in self.parameters)


@dataclass(slots=True)
class Rounds:
    """The steps of a program.

    A step closes when an optimizer that has stepped in it steps again, or at the end; where
    there is one optimizer, at once.

    Args:
        session: Where steps go.
        framework: Whose they are.
        coming: Tells what other optimizers will train, the names and tensors by their keys, given
            those that a run begins with.
    """

    session: Session
    framework: str
    coming: Callable[[Mapping[Any, Part]], Mapping[Any, Sequence[tuple[str, Any]]]] | None = None
    _open: dict[Any, Part] = field(default_factory=dict)
    _known: dict[str, ref[Any]] = field(default_factory=dict)  # the run's names and variables
    _names: dict[Any, tuple[str, ...]] = field(default_factory=dict)  # of each optimizer's
    _stepped: set[Any] = field(default_factory=set)  # all optimizers that ever have
    _last: set[Any] = field(default_factory=set)  # those of the step that was closed last
    _closed: int = 0  # steps that did

    def add(self, key: Any, part: Part, *, alone: bool) -> None:
        """Add an optimizer's step.

        Args:
            key: Which optimizer it is.
            part: What it did.
            alone: Whether there is no other one.

        Raises:
            StopTraining: It ended the last step that was asked for.
        """
        self.before(key)
        new = key not in self._stepped and key not in self._names
        if new and self._last and self._last <= self._open.keys():
            self.close()  # a training is followed by another one's: the step under way is whole
        self._open[key] = part
        self._stepped.add(key)
        if len(self._stepped) == 1 and (alone or (self._closed and not self._are_coming())):
            self.close()

    def is_alone(self, key: Any) -> bool:
        """Tell whether an optimizer has made all steps so far, and each of its is one at once."""
        return not self._open and self._stepped == {key} and key in self._names

    def names_of(self, key: Any) -> tuple[str, ...]:
        """Return what an optimizer's parameters are called in the run."""
        return self._names[key]

    def claim(self) -> None:
        """Tell other frameworks' hooks that these steps are told of here."""
        if self.session.framework is None:
            self._known, self._names = {}, {}
            self.session.framework = self.framework

    def before(self, key: Any) -> None:
        """End the step under way, if it holds one of the optimizer that is about to step.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        if key in self._open:
            self.close()

    def wants_update(self, ahead: int = 0) -> bool:
        """Tell whether the update of a coming step is to be measured.

        Args:
            ahead: How many steps are still to be told of before it.

        Returns:
            Whether it is.
        """
        return self.session.is_measured(self.session.steps + ahead)

    def ends_within(self, steps: int) -> bool:
        """Tell whether the last step that was asked for is among the next ones."""
        asked = self.session.settings.steps
        return asked is not None and self.session.steps + steps >= asked

    def close(self) -> None:
        """End the step under way, if there is one.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        parts, self._open = self._open, {}
        if not parts:
            return
        self._last = set(parts)
        self._closed += 1
        with self.session.ours():
            self._begin(parts)
            if self.session.due:
                self._record(parts)
        self.session.end_step()

    def _are_coming(self) -> bool:
        """Tell whether an optimizer that has not stepped yet is of the run."""
        return len(self._names) > len(self._stepped)

    def _begin(self, parts: dict[Any, Part]) -> None:
        """Open a run, if there is none or these parameters are not of it."""
        self.claim()
        if all(self._is_known(key, part) for key, part in parts.items()):
            return
        if self._known:
            self.session.say(
                f"At step {self.session.steps} other parameters began to be trained: "
                "a run of their own begins there."
            )
        trained = {key: part.parameters for key, part in parts.items()}
        if self.coming is not None:
            trained |= self.coming(parts)
        self._names = told_apart({key: [n for n, _ in given] for key, given in trained.items()})
        pairs = [
            (name, variable)
            for key, given in trained.items()
            for name, (_, variable) in zip(self._names[key], given, strict=True)
        ]
        self._known = {name: ref(variable) for name, variable in pairs}
        optimizers = ", ".join(dict.fromkeys(part.optimizer for part in parts.values()))
        self.session.begin(self.framework, pairs, optimizer=optimizers)

    def _is_known(self, key: Any, part: Part) -> bool:
        """Tell whether what an optimizer trains is of the run."""
        names = self._names.get(key, ())
        pairs = zip(names, part.parameters, strict=False)
        return len(names) == len(part.parameters) > 0 and all(
            self._known[name]() is variable for name, (_, variable) in pairs
        )

    def _record(self, given: dict[Any, Part]) -> None:
        """Record a step."""
        parts = list(given.values())
        losses = [part.loss for part in parts if part.loss is not None]
        numbers: dict[str, Any] = {"learning_rate": parts[0].learning_rate}
        if losses:
            numbers["loss"] = sum(losses[1:], start=losses[0])
        measured = [part.applied for part in parts if part.applied is not None]
        if len(measured) == len(parts):
            weights, updates = zip(*measured, strict=True)
            numbers["weight_norms"] = _joined(list(weights))
            numbers["update_norms"] = _joined(list(updates))
        report = parts[0].report if len(parts) == 1 else None
        if report is None:
            report = _observation(parts, [self._names[key] for key in given])
        self.session.record(report, **numbers)


def _observation(parts: list[Part], names: list[tuple[str, ...]]) -> Observation:
    """Return what was seen of a step, with the names that each part has in the run."""
    untouched = all(part.after is part.before for part in parts)
    before = _joined([part.before for part in parts])
    return Observation(
        names=names[0] if len(names) == 1 else tuple(chain.from_iterable(names)),
        parts_before=before,
        parts_after=before if untouched else _joined([part.after for part in parts]),
        statistics=_together([part.statistics for part in parts]),
        limit=parts[0].limit if len(parts) == 1 else _common([part.limit for part in parts]),
        skipped=parts[0].skipped if len(parts) == 1 else all(part.skipped for part in parts),
    )


def _joined(columns: list[Any]) -> Any:
    """Return one column of all parts; of one part as it is, which nobody waits for."""
    return columns[0] if len(columns) == 1 else np.concatenate([vector(c) for c in columns])


def _together(found: list[Statistics | None]) -> Statistics | None:
    """Return the statistics of all parts; None where one has none."""
    if len(found) == 1:
        return found[0]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    columns: list[Any] = [
        None if any(column is None for column in given) else _joined(list(given))
        for given in list(zip(*known, strict=True))[1:]
    ]
    return Statistics(None, *columns)


def _common(limits: list[Any]) -> float:
    """Return the limit that all parts have; NaN where they differ."""
    numbers = {float(limit) for limit in limits}
    return numbers.pop() if len(numbers) == 1 else math.nan
