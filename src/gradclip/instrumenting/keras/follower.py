"""What happens within a Keras optimizer's steps, brought to the run."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import keras

from gradclip.core.wrapping import wrapped
from gradclip.instrumenting.applying import Change
from gradclip.instrumenting.keras.clipping import Clipping
from gradclip.instrumenting.keras.followed import Followed, Optimizers
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session


@dataclass(kw_only=True, slots=True)
class Gradients:
    """The gradients of one optimizer's step.

    Attributes:
        followed: The optimizer.
        before: A gradient for each of its variables as it came; None where there is none.
        after: What the optimizer got; the same object if nothing clips.
        limit: The threshold; inf where there is none, NaN where there is one for each.
        skipped: Whether the step is dropped.
        learning_rate: The learning rate, a tensor (); None if it cannot be told.
        is_step: Whether the optimizer steps, a tensor (), where one may accumulate gradients and
            is told of all the same; None elsewhere.
        clip: Whether all gradients are clipped as one, and to which norm; None if otherwise.
    """

    followed: Followed
    before: list[Any]
    after: list[Any]
    limit: float = math.inf
    skipped: bool = False
    learning_rate: Any = None
    is_step: Any = None
    clip: tuple[bool, float] | None = None


class Backend(Protocol):
    """What differs from one of Keras' backends to the other."""

    def eager(self, gradients: Sequence[Any]) -> bool:
        """Tell whether these gradients are there, and not yet to be computed."""
        ...

    def see(self, gradients: Gradients, losses: Losses) -> Part | None:
        """Look at gradients; return what was seen, or None where a compiled step tells later."""
        ...

    def tell(self, followed: Followed, report: Any, rate: Any, losses: Losses) -> Part | None:
        """Return what a report of gradclip's says, or None where a compiled step tells later."""
        ...

    def pass_by(self, followed: Followed, losses: Losses) -> None:
        """Keep the loss of a batch whose gradients are accumulated."""
        ...


@dataclass(slots=True)
class _Frame:
    """A call of `apply` under way."""

    gradients: Sequence[Any] = ()  # as the call got them
    variables: Sequence[Any] = ()  # those of the innermost optimizer's gradients
    parts: list[tuple[Followed, Part]] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)  # before the step, where that is measured
    decided: bool = False  # whether gradclip clips here: its reports tell of the step


class Follower:
    """What the hooks of Keras' optimizers tell.

    Args:
        session: Where steps go.
        backend: What looks at gradients.
        optimizers: The optimizers that there are.
        losses: What is differentiated.
        rounds: What puts steps together.
    """

    def __init__(
        self,
        session: Session,
        backend: Backend,
        *,
        optimizers: Optimizers,
        losses: Losses,
        rounds: Rounds,
    ) -> None:
        self.session = session
        self.optimizers = optimizers
        self.losses = losses
        self._backend = backend
        self._rounds = rounds
        self._clipping = Clipping(session)
        self._clipping.watch_compile()
        self._local = threading.local()

    @property
    def frames(self) -> list[_Frame]:
        """The calls of `apply` under way in this thread."""
        found: list[_Frame] = self._local.__dict__.setdefault("frames", [])
        return found

    def made(self, optimizer: Any) -> None:
        """Be told of a new optimizer."""
        self.optimizers.add(optimizer)

    def driver(self, optimizer: Any) -> Any:
        """Return what is to step in place of an optimizer; None if that is to step itself."""
        if self.frames:
            return None
        with self.session.ours("--clip could not be set up"):
            return self._clipping.driver(optimizer)
        return None  # there was an error

    def enter(self, optimizer: Any, gradients: Sequence[Any], *, decided: bool = False) -> None:
        """Be told that an optimizer begins to apply gradients, or one inside of another.

        Args:
            optimizer: The optimizer.
            gradients: What it got.
            decided: Whether gradclip clips them.

        Raises:
            StopTraining: The step before was the last one that was asked for.
        """
        frame = _Frame(gradients, decided=decided)
        outermost = not self.frames
        self._rounds.claim()
        self.frames.append(frame)
        if not outermost or not self._backend.eager(gradients):
            return
        innermost = list(wrapped(optimizer))[-1]
        if not innermost.built:
            return
        followed = self.optimizers.of(innermost)
        try:
            self._rounds.before(followed)
        except BaseException:
            self.frames.pop()
            raise
        if self._rounds.wants_update():
            with self.session.ours():
                frame.weights = followed.weights()

    def leave(self) -> None:
        """Be told that it has done so.

        Raises:
            StopTraining: It was the last step that was asked for.
        """
        frame = self.frames.pop()
        if self.frames:
            self.frames[-1].parts += frame.parts
            return
        for followed, part in frame.parts:
            measured = part
            if frame.weights:
                with self.session.ours():
                    update = Change(frame.weights, followed.weights()).columns()
                    measured = replace(part, applied=update)
            self._rounds.add(followed, measured, alone=self.optimizers.single())

    def abandon(self) -> None:
        """Be told that it has failed."""
        self.frames.pop()

    def decided(self, target: Any, report: Any) -> None:
        """Be told what gradclip did to the gradients of an optimizer, or of what wraps it."""
        optimizer = list(wrapped(target))[-1]
        followed = self.optimizers.of(optimizer)
        part = self._backend.tell(followed, report, _learning_rate(optimizer), self.losses)
        if part is not None:
            self.frames[-1].parts.append((followed, part))

    def scaled(self, scaled: Any, loss: Any) -> None:
        """Be told of a loss that is about to be differentiated, and of what it is scaled to."""
        self._rounds.claim()
        self.losses.scaled(scaled, loss)

    def begin(self, optimizer: Any, variables: Sequence[Any]) -> None:
        """Be told which variables the gradients that are clipped next belong to."""
        self.frames[-1].variables = list(variables)
        if optimizer.gradient_accumulation_steps:
            self._backend.pass_by(self.optimizers.of(optimizer), self.losses)

    def clipped(self, optimizer: Any, before: Sequence[Any], after: Sequence[Any]) -> None:
        """Be told what an optimizer makes of its gradients."""
        frame = self.frames[-1]
        followed = self.optimizers.of(optimizer)
        placed = followed.placed(before, frame.variables)
        self._see(
            Gradients(
                followed=followed,
                before=placed,
                after=placed if after is before else followed.placed(after, frame.variables),
                limit=_limit(optimizer),
                learning_rate=_learning_rate(optimizer),
                is_step=_is_step(optimizer),
                clip=_clip(optimizer),
            )
        )

    def skipped(self, scaling: Any) -> None:
        """Be told that a `LossScaleOptimizer` drops the step under way."""
        optimizer = list(wrapped(scaling))[-1]
        followed = self.optimizers.of(optimizer)
        scale = keras.ops.convert_to_tensor(scaling.dynamic_scale)
        given = [
            None if g is None else keras.ops.divide(g, keras.ops.cast(scale, g.dtype))
            for g in self.frames[-1].gradients
        ]
        rate = _learning_rate(optimizer)
        self._see(
            Gradients(
                followed=followed, before=given, after=given, skipped=True, learning_rate=rate
            )
        )

    def _see(self, gradients: Gradients) -> None:
        if any(frame.decided for frame in self.frames):
            return
        part = self._backend.see(gradients, self.losses)
        if part is not None:
            self.frames[-1].parts.append((gradients.followed, part))


def part_of(followed: Followed, report: Any, loss: float | None, rate: float | None) -> Part:
    """Return what a report of gradclip's says of an optimizer's step."""
    return Part(
        optimizer=followed.kind,
        parameters=followed.parameters,
        before=report.parts_before,
        after=report.parts_after,
        statistics=report.statistics,
        limit=report.limit,
        skipped=bool(report.skipped),
        loss=followed.mean_loss(loss),
        learning_rate=rate,
    )


def _limit(optimizer: Any) -> float:
    """Return what an optimizer clips to: a number where there is one for all gradients."""
    if optimizer.global_clipnorm:
        return float(optimizer.global_clipnorm)
    return math.nan if optimizer.clipnorm or optimizer.clipvalue else math.inf


def _clip(optimizer: Any) -> tuple[bool, float] | None:
    """Return whether an optimizer clips all gradients as one, and to which norm."""
    if optimizer.clipnorm:
        return False, float(optimizer.clipnorm)
    return (True, float(optimizer.global_clipnorm)) if optimizer.global_clipnorm else None


def _is_step(optimizer: Any) -> Any:
    """Return whether accumulated gradients are applied; None where it is asked elsewhere."""
    steps = optimizer.gradient_accumulation_steps
    if not steps or keras.backend.backend() != "jax":
        return None
    return (optimizer._iterations + 1) % steps == 0  # noqa: SLF001 - the public one counts steps


def _learning_rate(optimizer: Any) -> Any:
    """Return the learning rate; None where only a function of the program's could tell."""
    rate = optimizer._learning_rate  # noqa: SLF001 - asking for the public one calls the function
    known = isinstance(rate, keras.Variable | keras.optimizers.schedules.LearningRateSchedule)
    return keras.ops.convert_to_tensor(optimizer.learning_rate) if known else None
