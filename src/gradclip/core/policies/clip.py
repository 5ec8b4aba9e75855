"""The machine: any granularity x any limit x any action, over any norm."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gradclip.core.arithmetic import State, map_state
from gradclip.core.decide import decide
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.checks import check_choice
from gradclip.core.policies.granularity import (
    Division,
    Granularity,
    Part,
    check_granularity,
    divide,
)
from gradclip.core.policies.kinds import Kind, Norm, resolve_norm
from gradclip.core.policies.limits import Constant, Limit
from gradclip.core.policies.limits.limit import Seen
from gradclip.core.policies.policy import Verdict
from gradclip.errors import ConfigurationError

Action = Literal["rescale", "clamp", "drop"]


class Plan(NamedTuple):
    """What a `Clip` comes to for parameters of known names."""

    names: tuple[str, ...]
    division: Division
    rule: Limit
    norm: Norm


class _Planned:
    """Room for the plan in use, which belongs neither to the description nor to a copy."""

    __slots__ = ("_known",)
    _known: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip(_Planned):
    """Hold norms to a limit: every method of the field is a choice of these four.

    Attributes:
        limit: How large is too large: a number >= 0, a function of the step, or a limit of
            `gradclip.core.policies.limits`.
        granularity: Whose norm: `"element"`, `"unit"` (rows or filters; `Units(axes)` for given
            axes), `"tensor"`, `"layer"`, `"global"`, or `Grouped(groups)`.
        action: What then: `"rescale"` what is too large to the limit, `"clamp"` its entries to
            +-limit, or `"drop"` the whole step.
        norm: The p of a p-norm > 0 (inf: the largest modulus), `"rms"` or `"average"`.

    Raises:
        ConfigurationError: One of them is unknown.

    Example:
        >>> from gradclip.core.policies.limits import ZScore
        >>> Clip(limit=ZScore(), granularity="layer").action  # a z-score per layer
        'rescale'
    """

    limit: Limit | float
    granularity: Granularity = "global"
    action: Action = "rescale"
    norm: Kind = 2.0

    def __post_init__(self) -> None:
        check_granularity(self.granularity)
        check_choice("action", self.action, Action)
        resolve_norm(self.norm)
        self._rule()

    def init(self, batch: Batch) -> State:
        """Return the limit's state for each part."""
        plan = self._plan(batch.names)
        object.__setattr__(self, "_known", plan)  # to make one takes longer than to decide
        blanks, rule = plan.division.blanks(batch), plan.rule
        return tuple(map_state(xp.store, rule.init(like, xp)) for like, xp in blanks)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Measure, decide, and have the gradients scaled or clamped."""
        _, division, rule, norm = self._plan(batch.names)
        if rule.relative and batch.tensors and not batch.variables:
            msg = "A limit relative to the parameters needs `variables`, got None. Pass them too."
            raise ConfigurationError(msg)
        factors: list[Array | None] = []
        limits: list[Array | None] = []
        states: list[State] = []
        drop: Array = False
        parts = division.parts(batch, norm, relative=rule.relative)
        for part, stored in zip(parts, state, strict=True):
            if part is None:  # no gradient: nothing to clip, nothing to learn
                factors.append(None)
                limits.append(None)
                states.append(stored)
                continue
            limit, learned = _limit(rule, part, stored, step)
            factor = decide(part.norm, limit * part.divisor, "propagate", part.arithmetic)
            limits.append(limit)
            factors.append(factor)
            states.append(learned)
            if self.action == "drop":
                drop = drop | part.arithmetic.any(factor < 1)
        acted = self._act(division, batch, factors, limits)
        return acted, Verdict(division.limit(limits, batch), drop), tuple(states)

    def _plan(self, names: tuple[str, ...]) -> Plan:
        """Return what a decision on parameters of these names needs."""
        known: Plan | None = getattr(self, "_known", None)
        if known is not None and known.names is names:
            return known
        return Plan(names, divide(self.granularity, names), self._rule(), resolve_norm(self.norm))

    def _rule(self) -> Limit:
        # To ask whether it is a `Limit`, a protocol, takes as long as the rest of a decision.
        limit: Any = self.limit
        rule: Limit = limit if hasattr(type(limit), "relative") else Constant(limit)
        return rule

    def _act(
        self,
        division: Division,
        batch: Batch,
        factors: list[Array | None],
        limits: list[Array | None],
    ) -> Batch:
        if self.action == "clamp":
            return division.clamp(batch, limits)
        return division.scale(batch, factors) if self.action == "rescale" else batch


def _limit(rule: Limit, part: Part, stored: State, step: Array) -> tuple[Array, State]:
    """Return the limit of a part in the norm's kind, and the state to store."""
    norm, divisor, weight, valid, xp = part
    # A norm that is not valid is replaced, and what it teaches is thrown away.
    kind = xp.where(valid, norm / divisor, 1.0)
    seen = Seen(kind, None if weight is None else weight / divisor, step)
    if isinstance(stored, tuple) and not stored:
        return rule.update(seen, stored, xp)
    before = map_state(xp.load, stored)
    limit, after = rule.update(seen, before, xp)
    return limit, map_state(lambda new, old: xp.store(xp.where(valid, new, old)), after, before)
