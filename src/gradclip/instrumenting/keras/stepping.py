"""Steps on JAX, whose losses and numbers are rows of what compiled functions return."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gradclip.instrumenting.keras.followed import Followed, Optimizers
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session, StopTraining

_MOST = 1024  # losses that are kept for a step


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A step that was seen.

    Attributes:
        followed: The optimizer.
        part: What it did.
        is_step: 0 where gradients were accumulated alone, a number (); None if it always steps.
        measured: Whether weights and updates were looked at.
    """

    followed: Followed
    part: Part
    is_step: Any = None
    measured: bool = False


class Stepping:
    """Brings losses to the steps that follow them.

    Args:
        session: Where steps go.
        rounds: What puts them together.
        optimizers: The optimizers that there are.
    """

    def __init__(self, session: Session, rounds: Rounds, optimizers: Optimizers) -> None:
        self.session = session
        self._rounds = rounds
        self._optimizers = optimizers
        self._within = False
        self._losses: deque[Any] = deque(maxlen=_MOST)
        self._told: list[Told] = []
        self._stopped: StopTraining | None = None

    def wants_update(self) -> bool:
        """Tell whether the update of the next step is to be measured."""
        return self._rounds.wants_update()

    def add(self, told: Told) -> None:
        """Be told of a step.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        self._told.append(self._with_losses(told))
        if not self._within:
            self._flush()

    def add_loss(self, loss: Any) -> None:
        """Be told of a loss, before the step that follows its gradient."""
        self._losses.append(loss)

    def run(self, function: Callable[[], Any]) -> Any:
        """Run a trainer's step, and return what it returned."""
        self.raise_stop()
        self._within = True
        try:
            result = function()
        finally:
            self._within = False
        if self._told and self._told[-1].part.loss is None:  # a branch told of it before its loss
            self._told[-1] = self._with_losses(self._told[-1])
        try:
            self._flush()
        except StopTraining as stop:  # the trainer must take over the state first
            self._stopped = stop
        return result

    def raise_stop(self) -> None:
        """Stop training, if the last step that was asked for is over.

        Raises:
            StopTraining: It is.
        """
        if self._stopped is not None and self.session.stops:  # or there is another run to follow
            raise self._stopped

    def _with_losses(self, told: Told) -> Told:
        """Return a step with the sum of the losses since the last one, if there are any."""
        if not self._losses:
            return told
        losses = [*self._losses]
        self._losses.clear()
        return replace(told, part=replace(told.part, loss=sum(losses[1:], start=losses[0])))

    def _flush(self) -> None:
        """Hand on what was told.

        Raises:
            StopTraining: It held the last step that was asked for.
        """
        told, self._told = self._told, []
        for each in told:
            part = None
            with self.session.ours():
                part = self._settled(each)
            if part is not None:
                self._rounds.add(each.followed, part, alone=self._optimizers.single())

    def _settled(self, told: Told) -> Part | None:
        """Return a step as it is recorded; None where gradients were accumulated alone."""
        part, followed = told.part, told.followed
        if told.is_step is not None:
            followed.keep_loss(None if part.loss is None else float(part.loss))
            if not float(told.is_step):
                return None
            part = replace(part, loss=followed.mean_loss(None))
        wanted = told.measured and self._rounds.wants_update()
        return part if wanted else replace(part, applied=None)
