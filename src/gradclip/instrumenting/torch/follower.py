"""What PyTorch's hooks tell of a program that trains, made into steps of a run."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.distributed import Placement, placement
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.rounds import Part, Round, numbers, observation
from gradclip.instrumenting.torch.seen import Looked
from gradclip.torch import amp, in_place
from gradclip.torch.hooks import Arguments, Closure, Keywords, Nesting, closure_of, with_closure
from gradclip.torch.namespace import TorchNamespace
from gradclip.torch.recording import Change

FRAMEWORK = "torch"


class Follower:
    """Follow the optimizers of a process.

    Args:
        session: Where the steps go.

    Attributes:
        session: The same.
        fleet: The optimizers.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fleet = Fleet()
        self._losses = Losses()
        self._arrivals = Arrivals(self.fleet, self._see)
        self._placement = Placement()
        self._placed = 0  # the version of the names when it was asked for
        self._xp = TorchNamespace()
        self._nesting = Nesting()
        self._round = Round()
        self._part: Part | None = None  # of the optimizer that is stepping, when it has gradients
        self._change: Change | None = None
        self._version = 0  # of the names in the run
        session.before_close(self._close_round)

    @property
    def silent(self) -> bool:
        """Whether nobody asks, or another framework's hooks tell of this training."""
        return self.session.closed or self.session.framework not in {None, FRAMEWORK}

    def before_step(
        self, optimizer: Optimizer, args: Arguments, kwargs: Keywords
    ) -> tuple[Arguments, Keywords] | None:
        """Look at the gradients that a step is about to read, or have its closure do so."""
        if self.silent or not self._nesting.enter():
            return None
        trained = self._trained(optimizer)
        if trained is None:
            return None
        if self._round.holds(trained):
            self._close_round()
        self._part = None
        closure = closure_of(args, kwargs)
        with self.session.ours():
            self._change = (
                Change(self._placement.held(trained.parameters)) if self._wants_update else None
            )
            if closure is None:
                self._part = self._look(optimizer, trained)
        if closure is None:
            return None
        return with_closure(args, kwargs, self._watched(closure, optimizer, trained))

    def after_step(self, optimizer: Optimizer, *_: object) -> None:
        """Record the step, if no other optimizer is to have a part in it."""
        if self.silent or not self._nesting.leave() or self._part is None:
            return
        with self.session.ours():
            self._finish(self._part, optimizer)
        self._part = self._change = None
        if len(self._round.parts) >= self.fleet.distinct():
            self._close_round()

    def after_backward(self, tensors: Any, grad_tensors: Any = None, *_: Any, **__: Any) -> None:
        """Keep the loss that `torch.autograd.backward` was called on."""
        if self.silent:
            return
        with self.session.ours("The loss could not be seen"):
            self._arrivals.backwards += 1
            self._losses.add(tensors, grad_tensors)

    def made(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:
        """Get to know an optimizer."""
        with self.session.ours():
            self.fleet.add(optimizer)

    def before_clip(self, parameters: list[Tensor], limit: Any) -> None:
        """Look at gradients that the program is about to clip."""
        if self.silent:
            return
        with self.session.ours("Gradients could not be seen before they were clipped"):
            self._arrivals.clip(parameters, limit)

    @property
    def _wants_update(self) -> bool:
        """Whether the update is to be measured at the step under way."""
        recorder = self.session.recorder
        wanted = recorder is None or recorder.wants_update
        return self.session.due and wanted and not self._placement.silent

    def _trained(self, optimizer: Optimizer) -> Trained | None:
        """Return what an optimizer trains; None where that cannot be told."""
        found: list[Trained] = []
        with self.session.ours("The parameters could not be named"):
            found.append(self.fleet.of(optimizer))
            if self._placed != self.fleet.version:
                self._placed = self.fleet.version
                self._placement = placement([p for _, p in self.fleet.named()])
        return found[0] if found else None

    def _watched(self, closure: Closure, optimizer: Optimizer, trained: Trained) -> Closure:
        """Return a closure whose first gradients are the step's."""

        def watched() -> Any:
            loss = closure()
            if self._part is None:
                with self.session.ours():
                    self._part = self._look(optimizer, trained)
            return loss

        return watched

    def _look(self, optimizer: Optimizer, trained: Trained) -> Part:
        """Look at the gradients that an optimizer gets."""
        seen = self._see(trained, amp.unscaling(optimizer))
        loss = self._losses.take()
        part = Part(trained=trained, names=trained.names, before=seen, after=seen, loss=loss)
        arrival = self._arrivals.take(trained)
        if arrival is not None:
            part.before, part.limit = arrival.seen, arrival.limit
        return part

    def _see(self, trained: Trained, factor: Any = 1.0) -> Looked:
        with torch.no_grad():
            gradients = self._placement.parts(in_place.read(trained.parameters))
            return Looked(self._xp.statistics(gradients), factor)

    def _finish(self, part: Part, optimizer: Optimizer) -> None:
        """Note what is known after a step."""
        part.learning_rate = optimizer.param_groups[0].get("lr")
        part.changed = None if self._change is None else self._change.norms()
        self._losses.take()  # what a closure differentiated after its first call
        self._round.parts.append(part)

    def _close_round(self) -> None:
        """Record what the optimizers have done since the last step."""
        parts = self._round.take()
        if not parts:
            return
        with self.session.ours():
            self._begin()
            if self.session.due:
                self.session.record(observation(parts), **numbers(parts))
        self.session.end_step()

    def _begin(self) -> None:
        """Open a run, or another one where there are parameters that the last one lacks."""
        known = self.session.recorder is not None
        if (known or self._placement.silent) and self._version == self.fleet.version:
            return
        if known:
            self.session.say(
                f"At step {self.session.steps} there were new parameters: a further run begins."
            )
        self._version = self.fleet.version
        self.session.begin(
            FRAMEWORK,
            self.fleet.named(),
            optimizer=self.fleet.describe(),
            policy=self._arrivals.policy,
            rank=self._placement.rank,
            world=self._placement.world,
            sharded=self._placement.sharded,
        )
