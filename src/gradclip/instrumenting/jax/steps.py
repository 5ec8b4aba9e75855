"""What is told on the host of training steps, and which of it is one."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import jax

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.column import Column
from gradclip.instrumenting.jax import batches
from gradclip.instrumenting.jax.looking import STATISTICS
from gradclip.instrumenting.jax.parameters import tensors_of
from gradclip.instrumenting.jax.seen import Layout, Number, Packed, Seen
from gradclip.instrumenting.jax.targets import Target, Targets, variables_of
from gradclip.instrumenting.jax.usual import Usual
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session, StopTraining

_BY_GRADIENTS = (
    "No optimizer of optax's was seen: each computation of gradients counts as a training step, "
    "and what it changed is not known. If that is wrong, make the update with "
    "optax.GradientTransformation's update, or record steps by hand: "
    "gradclip.Recorder(path, params).record(gradclip.optax.report(state), loss=loss)."
)
_NOT_CLIPPED = (
    "--clip clips what optax's optimizers get: without one nothing was clipped. Clip in the "
    "program: gradients, clipping = clipper(gradients, clipping), and before the loop "
    "clipper = gradclip.jax.Clipper(policy); clipping = clipper.init(params)."
)


@dataclass(slots=True)
class _Held:
    """The last of several transformations' steps on the same parameters."""

    part: Part
    sources: set[int] = field(default_factory=set)


class Steps:
    """Training steps, made of what programs return.

    Args:
        session: Where they go.

    Attributes:
        targets: What is trained.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.targets = Targets(session.say)
        self._rounds = Rounds(session, "jax", coming=self.targets.coming)
        self._losses: list[tuple[Layout, Number]] = []
        self._gradients: dict[Any, list[Column]] = {}  # by names and shapes
        self._held: dict[Target, _Held] = {}
        self._waiting, self._batches = batches.Waiting(), batches.Batches()
        self._usual = Usual(session, self.targets, self._rounds)
        self._at_close: list[Callable[[], None]] = []
        self._stopped = False
        session.before_close(self._close)

    @property
    def by_gradients(self) -> bool:
        """Whether there is no transformation, so that gradients alone make steps."""
        return not self.targets.num_sources

    def expect(self, params: Any, source: int) -> None:
        """Be told of a transformation that was made ready for parameters."""
        named = tensors_of(params)
        if named.names:
            self.targets.expect(named, source, variables_of(params))

    def at_close(self, function: Callable[[], None]) -> None:
        """Call a function before what is under way ends."""
        self._at_close.append(function)

    def say(self, note: str) -> None:
        """Keep what the user must know."""
        self._session.say(note)

    @property
    def silent(self) -> bool:
        """Whether another framework's hooks follow the program."""
        return self._session.closed or self._session.framework not in {None, "jax"}

    def wants_update(self, steps: int) -> bool:
        """Tell whether what one of the coming steps changes is to be measured.

        Args:
            steps: How many are looked ahead to.

        Returns:
            Whether it is.
        """
        if steps == 1 and self._usual.expected:
            return self._rounds.wants_update()
        several = self.targets.num_sources > 1  # one may still be under way
        ahead = max(steps, 1) + several + len(self._waiting)
        return any(map(self._rounds.wants_update, range(ahead)))

    def take(self, seen: Sequence[Seen], *, measured: bool = True) -> int:
        """Take what one call of a compiled function returned, in order.

        Args:
            seen: What it returned.
            measured: Whether weights and updates were looked at.

        Returns:
            How many steps that were, at most.

        Raises:
            StopTraining: It ended the last step that was asked for.
        """
        pending = self._stopped or self._losses or self._gradients
        if len(seen) == 1 and not pending and self._usual.is_one(seen[0]):
            self._usual.take(seen[0], measured=measured)
            return 1
        if self.silent:
            seen = [each for each in seen if each.layout.taker is not None]
        self._stopped &= self._session.stops > 0  # or there is another run to follow
        if self._stopped:
            raise StopTraining(0)
        if not seen:
            return 0
        with self._session.ours():
            for row in _rows(seen, measured=measured):
                if not self._waiting.hold(row):
                    self._take(*row)
            self._take_waiting(patient=self._session.settings.steps is not None)
        return sum(_num_rows(each.packed) for each in seen)

    def take_within(self, seen: Sequence[Seen]) -> None:
        """Take what a running program tells, which cannot be stopped: the next call is."""
        if not self._stopped:
            try:
                self.take(seen)
            except StopTraining:
                self._stopped = True

    def _take_waiting(self, *, patient: bool) -> None:
        """Take what waited to be known."""
        while (row := self._waiting.next(patient=patient)) is not None:
            self._take(*row)

    def _take(self, packed: Packed, row: int, layout: Layout) -> None:
        """Take what is one transformation's step, or gradients and their loss."""
        if layout.taker is not None:
            layout.taker(packed, row, layout)
            return
        place = layout.number("loss")
        if place is not None:
            self._losses.append((layout, Number(((packed, row, place),))))
        if layout.source is not None:
            self._step(packed, row, layout)
        elif layout.columns and not self.by_gradients:
            came = self._gradients.setdefault((layout.names, layout.shapes), [])
            came.append(Column(packed, row, slice(0, len(layout.names))))
        elif layout.columns:
            self._session.say(_BY_GRADIENTS)
            if self._session.settings.clip is not None:
                self._session.say(_NOT_CLIPPED)
            target = self.targets.of(layout)
            self._rounds.before(target)
            part = replace(self._part(packed, row, layout, target), loss=self._loss(layout))
            self._rounds.add(target, part, alone=False)

    def _step(self, packed: Packed, row: int, layout: Layout) -> None:
        """Take a transformation's step; of several on the same parameters the last one counts."""
        target, source, loss = self.targets.of(layout), layout.source or 0, self._loss(layout)
        if layout.batches is not None:
            self._gradients.pop((layout.names, layout.shapes), None)  # of one batch alone
            whole, loss = self._batches.add((packed, row, layout), target, loss)
            if not whole:
                return
        held = self._held.get(target)
        if held is not None and source in held.sources:
            self._add(target, self._held.pop(target).part)
            held = None
        if held is None:
            self._rounds.before(target)  # so that it is known which step this part is of
        part = replace(self._part(packed, row, layout, target), loss=loss)
        if held is not None and held.part.loss is not None and part.loss is not None:
            part = replace(part, loss=held.part.loss + part.loss)
        self._usual.leave()
        if len(target.sources) == 1:
            self._add(target, part)
            self._usual.expect(layout, target)
        else:
            sources = held.sources if held is not None else set()
            self._held[target] = _Held(part, sources | {source})

    def _add(self, target: Target, part: Part) -> None:
        """Add a step."""
        self._rounds.add(target, part, alone=self.targets.num == 1)

    def _part(self, packed: Packed, row: int, layout: Layout, target: Target) -> Part:
        """Return a step as it is recorded."""
        columns = {name: Column(packed, row, place) for name, place in layout.places}
        start = len(layout.columns) * len(layout.names)
        numbers = {
            name: Number(((packed, row, index),))
            for index, name in enumerate(layout.numbers, start)
        }
        came, entering = columns["before"], columns.get("entering", columns["before"])
        before = self._came(layout) or came
        applied = (columns["weights"], columns["updates"]) if "updates" in columns else None
        found = [columns.get(name) for name in STATISTICS[1:]]
        statistics = None if None in found else Statistics(None, before, *found)
        return Part(
            optimizer=layout.optimizer or "gradients",
            parameters=target.pairs,
            before=before,
            after=columns.get("after", entering),
            statistics=statistics,
            limit=numbers.get("limit", math.inf),
            skipped=numbers.get("skipped", False),
            learning_rate=numbers.get("learning_rate"),
            applied=applied if packed.measured and self._rounds.wants_update() else None,
        )

    def _came(self, layout: Layout) -> Column | None:
        """Return the norms of gradients as another program computed them.

        Of several, which the program has added up, none are what came.
        """
        found = self._gradients.pop((layout.names, layout.shapes), [])
        return found[0] if len(found) == 1 else None

    def _loss(self, layout: Layout) -> Number | None:
        """Return the sum of what was differentiated for these parameters since the last step."""
        shapes = layout.shapes
        if len(self._losses) == 1:
            return self._losses.pop()[1]
        own = [number for other, number in self._losses if other.shapes == shapes]
        chosen = own or [number for _, number in self._losses]
        self._losses = [pair for pair in self._losses if own and pair[0].shapes != shapes]
        return sum(chosen[1:], start=chosen[0]) if chosen else None

    def _close(self) -> None:
        """End what is under way."""
        jax.effects_barrier()  # type: ignore[no-untyped-call]  # JAX's
        for function in self._at_close:
            function()
        self._take_waiting(patient=True)
        held, self._held = self._held, {}
        for target, each in held.items():
            self._add(target, each.part)
        self._rounds.close()


def _rows(seen: Sequence[Seen], *, measured: bool) -> Iterator[batches.Row]:
    """Yield what was seen, in order: loops stack what their bodies return."""
    for _, group in groupby(seen, lambda each: each.layout.loop):
        together = [(Packed(each.packed, measured=measured), each) for each in group]
        for row in range(_num_rows(together[0][1].packed)):
            yield from ((packed, row, each.layout) for packed, each in together)


def _num_rows(packed: Any) -> int:
    """Return how many steps were stacked."""
    return math.prod(packed.shape[:-1])
