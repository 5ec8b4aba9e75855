"""A policy's state, counts and last report in variables, for frameworks that compile steps."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from gradclip.core.arithmetic import is_scalar
from gradclip.core.decide import NonFinite
from gradclip.core.floats import Floats
from gradclip.core.namespace import Array, Namespace
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.core.policies.run import Gradients, Outcome, PolicyState, init, update
from gradclip.core.statistics import Statistics
from gradclip.errors import ConfigurationError

_SCALARS = ("norm_before", "norm_after", "scale")
_VECTORS = ("limit", "parts_before", "parts_after")


class Variables(Protocol):
    """How a framework makes, reads and writes variables."""

    def make(self, name: str, value: Any) -> Any:
        """Return a new variable that holds a number, a list of numbers or an array.

        A list of ints makes one of the widest integers that there are.
        """

    def read(self, variable: Any, like: Any) -> Any:
        """Return its value: on the host if `like` is a number or a list, else an array."""

    def write(self, variable: Any, value: Any) -> Any:
        """Assign a value, broadcast and cast; return what a TF1 graph must run, or None."""


class Memory:
    """What a policy carries from step to step, in variables that a compiled step changes.

    Args:
        policy: The policy.
        nonfinite: What NaN and infinite gradients lead to, as in `run.update`.
        xp: The framework's verbs.
        variables: Its variables.
        statistics: Whether reports shall have `statistics` too.
    """

    def __init__(
        self,
        policy: Policy,
        nonfinite: NonFinite,
        xp: Namespace,
        variables: Variables,
        *,
        statistics: bool = False,
    ) -> None:
        self.policy = policy
        self.nonfinite: NonFinite = nonfinite
        self.statistics = statistics
        self.names: tuple[str, ...] = ()
        self.built = False
        self._xp = xp
        self._variables = variables
        self._template: Any = None
        self._state: list[Any] = []
        self._statistics: list[Any] = []  # in the order of the fields
        self._one_limit: bool | None = None  # None before the first step was traced
        self._pending: tuple[Any, Sequence[float]] | None = (
            None  # what was loaded before there were variables
        )

    def build(self, params: Gradients, names: tuple[str, ...]) -> None:
        """Make the variables.

        Args:
            params: The parameters, or gradients of the same shapes.
            names: Their names.
        """
        self.names = names
        self._template = init(self.policy, params, names, self._xp)
        make = self._variables.make
        self._state = [make(f"policy_{name}", leaf) for name, leaf in _leaves(self._template)]
        self.skipped_steps = make("skipped_steps", 0.0)
        self.skipped_in_a_row = make("skipped_in_a_row", 0.0)
        present = [p for p in params if p is not None]
        with self._xp.precision(None):
            zero, zeros = (
                self._xp.narrow(self._xp.blank(shape, present), present)
                for shape in ((), (len(names),))
            )
        self._report = {name: make(f"report_{name}", zero) for name in _SCALARS}
        self._report |= {name: make(f"report_{name}", zeros) for name in _VECTORS}
        if self.statistics:
            blanks = Statistics(zero, zeros, zeros, *[[0] * len(names)] * 2)
            self._statistics = [
                make(f"report_statistics_{name}", blank) for name, blank in blanks._asdict().items()
            ]
        self.built = True
        if self._pending is not None:
            self.load(*self._pending)

    def decide(self, gradients: Gradients, weights: list[Array], factor: Array = 1.0) -> Outcome:
        """Measure and decide; nothing is multiplied or remembered yet.

        Args:
            gradients: The gradients, of the parameters it was built for.
            weights: These parameters; empty if there are none.
            factor: What the gradients must be multiplied by before anything is measured.

        Returns:
            What was decided.
        """
        return update(
            self.policy,
            gradients,
            self.state(),
            weights=weights,
            names=self.names,
            nonfinite=self.nonfinite,
            xp=self._xp,
            factor=factor,
            statistics=self.statistics,
        )

    def keep(self, outcome: Outcome) -> list[Any]:
        """Write down what was decided; return what a TF1 graph must run."""
        report, write = outcome.report, self._variables.write
        self._one_limit = is_scalar(report.limit)
        learned = [leaf for _, leaf in _leaves(outcome.state)]
        done = [write(slot, leaf) for slot, leaf in zip(self._state, learned, strict=True)]
        done += [write(slot, getattr(report, name)) for name, slot in self._report.items()]
        found = report.statistics or ()
        done += [write(slot, x) for slot, x in zip(self._statistics, found, strict=True)]
        return done + self._count(outcome)

    def state(self) -> PolicyState:
        """Return the state for the next step."""
        pairs = zip(self._state, _leaves(self._template), strict=True)
        read = (self._variables.read(slot, leaf) for slot, (_, leaf) in pairs)
        state: PolicyState = _rebuilt(self._template, read)
        return state

    def load(self, saved: Any, skipped: Sequence[float]) -> None:
        """Take over a saved state of the same policy, now or when there are variables.

        Args:
            saved: The state's entries in tuples or lists, from any framework; None for none.
            skipped: The number of skipped steps, and of those in a row.

        Raises:
            ConfigurationError: It is the state of another policy.
        """
        if not self.built:
            self._pending = saved, skipped
            return
        leaves = [] if saved is None else _matched(self._template, saved)
        pairs = [*zip(self._state, leaves, strict=False)]
        pairs += zip((self.skipped_steps, self.skipped_in_a_row), skipped, strict=True)
        for variable, value in pairs:
            self._variables.write(variable, value)

    def report(self) -> Report | None:
        """Return what the last step came to, as the variables hold it; None before the first."""
        if self._one_limit is None:
            return None
        values = {name: self._variables.read(v, None) for name, v in self._report.items()}
        if self._one_limit:
            values["limit"] = values["limit"][0] if self.names else math.inf
        skipped = self._variables.read(self.skipped_in_a_row, None) > 0
        found = [self._variables.read(slot, None) for slot in self._statistics]
        statistics = Statistics(*found) if found else None
        return Report(names=self.names, skipped=skipped, statistics=statistics, **values)

    def _count(self, outcome: Outcome) -> list[Any]:
        """Count a step that was skipped or not."""
        variables, skipped = (self.skipped_steps, self.skipped_in_a_row), outcome.skipped
        write, here = self._variables.write, isinstance(skipped, bool)
        if skipped is False:
            return [write(self.skipped_in_a_row, 0.0)]
        xp = Floats() if here else self._xp.arithmetic(outcome.batch.kinds)
        with self._xp.precision(None):
            like = 0.0 if here else None
            total, in_a_row = (xp.load(self._variables.read(v, like)) for v in variables)
            counts = total + 1.0, in_a_row + 1.0
            old = total, in_a_row * 0.0
            return [
                write(v, xp.store(xp.where(skipped, new, kept)))
                for v, new, kept in zip(variables, counts, old, strict=True)
            ]


def _leaves(state: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the entries of a state with names: a window, a list of numbers, is one of them.

    Yields:
        Names and entries.
    """
    if not isinstance(state, tuple):
        yield path, state
        return
    fields = getattr(state, "_fields", None) or map(str, range(len(state)))
    for field, entry in zip(fields, state, strict=True):
        yield from _leaves(entry, f"{path}_{field}" if path else field)


def _rebuilt(template: Any, leaves: Iterator[Any]) -> Any:
    """Return a state of the template's structure with other entries."""
    if not isinstance(template, tuple):
        return next(leaves)
    entries = [_rebuilt(entry, leaves) for entry in template]
    return type(template)(*entries) if hasattr(template, "_fields") else tuple(entries)


def _matched(template: Any, saved: Any) -> list[Any]:
    """Return a saved state's entries in the order of `_leaves`.

    Raises:
        ConfigurationError: It has another structure.
    """
    if not isinstance(template, tuple):
        return [saved]
    if not isinstance(saved, list | tuple) or len(saved) != len(template):
        msg = (
            "A saved state must be of the same policy and parameters, got one with other entries. "
            f"Here a state has {len(template)}."
        )
        raise ConfigurationError(msg)
    pairs = zip(template, saved, strict=True)
    return [leaf for entry, value in pairs for leaf in _matched(entry, value)]
