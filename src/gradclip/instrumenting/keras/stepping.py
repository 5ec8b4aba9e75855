"""Steps of Keras' JAX trainer, whose loss and weights are known only after the optimizer's step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gradclip.instrumenting.keras.followed import Followed, Optimizers
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session, StopTraining
from gradclip.record.applied import applied


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A step that was seen.

    Attributes:
        followed: The optimizer.
        part: What it did.
        is_step: 0 where gradients were accumulated alone, a number (); None if it always steps.
    """

    followed: Followed
    part: Part
    is_step: Any = None


class Stepping:
    """Holds what is told of a step until the trainer's function returns.

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
        self._told: list[Told] = []
        self._stopped: StopTraining | None = None

    def add(self, told: Told) -> None:
        """Be told of a step.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        self._told.append(told)
        if not self._within:
            self._flush({})

    def add_loss(self, loss: Any) -> None:
        """Be told of the loss of the step that was told of last."""
        if self._told and self._told[-1].part.loss is None:
            last = self._told[-1]
            self._told[-1] = replace(last, part=replace(last.part, loss=loss))

    def run(self, function: Callable[[], Any], weights: Callable[[Any], dict[int, Any]]) -> Any:
        """Run a trainer's step.

        Args:
            function: The step.
            weights: Returns the weights on the host by their variables' identities: those after
                a step, given what it returned; those before it, given None.

        Returns:
            What the step returned.
        """
        self.raise_stop()
        before = {}
        if self._rounds.wants_update():
            with self.session.ours():
                before = weights(None)
        self._within = True
        try:
            result = function()
        finally:
            self._within = False
        changes: dict[int, tuple[float, float]] = {}
        with self.session.ours():
            if before:
                changes = _changes(before, weights(result))
        try:
            self._flush(changes)
        except StopTraining as stop:  # the trainer must take over the state first
            self._stopped = stop
        return result

    def raise_stop(self) -> None:
        """Stop training, if the last step that was asked for is over.

        Raises:
            StopTraining: It is.
        """
        if self._stopped is not None:
            raise self._stopped

    def _flush(self, changes: dict[int, tuple[float, float]]) -> None:
        """Hand on what was told.

        Raises:
            StopTraining: It held the last step that was asked for.
        """
        told, self._told = self._told, []
        for each in told:
            part = None
            with self.session.ours():
                part = _settled(each, changes)
            if part is not None:
                self._rounds.add(each.followed, part, alone=self._optimizers.single())


def _settled(told: Told, changes: dict[int, tuple[float, float]]) -> Part | None:
    """Return a step as it is recorded; None where gradients were accumulated alone."""
    part, followed = told.part, told.followed
    if told.is_step is not None:
        followed.keep_loss(None if part.loss is None else float(part.loss))
        if not float(told.is_step):
            return None
        part = replace(part, loss=followed.mean_loss(None))
    keys = [id(variable) for _, variable in part.parameters]
    if not all(key in changes for key in keys):
        return part
    weights, updates = zip(*(changes[key] for key in keys), strict=True)
    return replace(part, applied=(weights, updates))


def _changes(before: dict[int, Any], after: dict[int, Any]) -> dict[int, tuple[float, float]]:
    """Return the norms of weights and of what a step changed of them."""
    norms = applied(list(before.values()), [after[key] for key in before])
    return dict(zip(before, zip(*norms, strict=True), strict=True))
