"""Steps of an optimizer on clipped gradients."""

import functools
import operator
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import Reset, momentum_resets
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import Outcome
from gradclip.core.policies.update_clipping import split_update_clipping
from gradclip.record.recorder import Recorder
from gradclip.torch import amp, in_place
from gradclip.torch.clipper import Clipper
from gradclip.torch.dropping import Dropping
from gradclip.torch.folding import Folding
from gradclip.torch.guards import check_outside_backward
from gradclip.torch.moments import reset_moments
from gradclip.torch.recording import Recording
from gradclip.torch.updates import UpdateClipping

_MISSING = functools.partial(operator.is_, None)
Closure = Callable[[], Any]
Write = Callable[[list[Tensor], in_place.Gradients, Batch], None]


class Parameters(Protocol):
    """What tells an optimizer's parameters, each once, and their names."""

    def read(self) -> tuple[list[Tensor], tuple[str, ...]]:
        """Return them as they are now; of what has not changed, the same names."""
        ...


class Steps:
    """What there is to do before and after each step of an optimizer.

    A step is `begin`, then `clip` or a closure that `clipping` returned, then the optimizer's own
    step, then `end`.

    Args:
        optimizer: The optimizer.
        policy: The policy, as `resolve_policy` reads it.
        parameters: Its parameters and their names.
        nonfinite: As in `attach`.
        max_skipped: As in `attach`.
        statistics: As in `attach`.
        write: How the clipped gradients get into `.grad`.
        folding: What has the optimizer clip them instead, where it can.
        recorder: As in `attach`.

    Raises:
        ConfigurationError: An argument is not what it should be, or the policy does not fit the
            optimizer.
    """

    def __init__(  # noqa: PLR0913 - what steps consist of, given by two adapters alone
        self,
        optimizer: torch.optim.Optimizer,
        policy: object,
        parameters: Parameters,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
        write: Write = in_place.write,
        folding: Folding | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.policy = resolve_policy(policy)
        of_gradients, of_updates = split_update_clipping(self.policy)
        self.clipper = Clipper(
            of_gradients, nonfinite=nonfinite, max_skipped=max_skipped, statistics=statistics
        )
        self._optimizer = optimizer
        self._updates = UpdateClipping(optimizer, of_updates) if of_updates else None
        self._parameters = parameters
        self._dropping = Dropping(optimizer)
        self._write = write
        self._folding = folding
        self._recording = None if recorder is None else Recording(optimizer, recorder)
        self._names: tuple[str, ...] = ()  # of the parameters whose resets are known
        self._resets: list[Reset] = []
        self._outcome: Outcome | None = None  # what the step under way came to so far
        self._applied = 0

    @property
    def skipped(self) -> bool:
        """Whether the step under way is known to be skipped."""
        return self._outcome is not None and self._outcome.skipped is True

    @property
    def report(self) -> Report | None:
        """What the step under way came to, or the last one; None if there were no gradients."""
        return None if self._outcome is None else self._outcome.report

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened: lists and numbers."""
        return {**self.clipper.state_dict(), "applied": self._applied}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; whether it fits is seen at the next step."""
        self.clipper.load_state_dict(state_dict)
        self._applied = state_dict["applied"]

    def begin(self) -> None:
        """Forget the last step, which may have raised in its middle."""
        self._restore()
        self._outcome = None

    def clipping(self, closure: Closure) -> Closure:
        """Return a closure whose gradients are clipped."""

        def clipped() -> Any:
            loss = closure()
            self.clip_now()
            return loss

        return clipped

    def clip(self) -> None:
        """Clip the gradients that there are now, or have the step clip them or be dropped.

        Raises:
            ConfigurationError: The policy does not fit the optimizer.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        self._clip(self._write_now if self._folding is None else self._fold)

    def clip_now(self) -> None:
        """Clip the gradients of a closure, of whose optimizer nobody knows when it reads them.

        Raises:
            ConfigurationError: As in `clip`.
            NonFiniteGradientError: The same.
        """
        self._clip(self._write_now)

    def _clip(self, write: Write) -> None:
        if not amp.will_skip(self._optimizer):
            with torch.set_grad_enabled(False):  # as a decorator it makes a copy of itself first
                self._clip_now(write)

    def _clip_now(self, write: Write) -> None:
        check_outside_backward(self.clipper.policy)
        parameters, names = self._parameters.read()
        if names is not self._names:
            self._names, self._resets = names, momentum_resets(self.policy, names)
        gradients = in_place.read(parameters)
        if all(map(_MISSING, gradients)):
            self.clipper.guard.no_gradients()
            return
        outcome = self._decide(parameters, gradients, names)
        self._apply(parameters, gradients, outcome, write)
        if self._updates is not None:
            self._updates.before(parameters)
        if self._recording is not None:
            self._recording.before(parameters)

    def end(self) -> None:
        """Bring hidden gradients back, and see to the optimizer's updates and moments.

        Raises:
            ConfigurationError: The policy does not fit the optimizer.
        """
        if self._updates is not None:
            self._updates.after()
        self._restore()
        if self._recording is not None and self._outcome is not None:
            self._recording.after(self._outcome.report)
        if self._outcome is not None and not self.skipped:
            self._applied += 1
            if self._resets:
                self._reset()

    def _decide(
        self, parameters: list[Tensor], gradients: in_place.Gradients, names: tuple[str, ...]
    ) -> Outcome:
        """Decide on the gradients, those of a scaled loss as if it were not scaled."""
        factor = amp.unscaling(self._optimizer)
        if self._outcome is not None:
            self._outcome = self.clipper.decide_again(gradients, parameters, names, factor)
            return self._outcome
        self._outcome = self.clipper.decide(gradients, parameters, names, factor)
        self.clipper.guard.measured(self._outcome.report, self._optimizer)
        self.clipper.count(amp.without_overflow(self._outcome, self._optimizer))
        return self._outcome

    def _apply(
        self,
        parameters: list[Tensor],
        gradients: in_place.Gradients,
        outcome: Outcome,
        write: Write,
    ) -> None:
        """Write the clipped gradients, or have the step dropped."""
        if outcome.skipped is True:
            self._dropping.drop(parameters)
            return
        if isinstance(outcome.skipped, Tensor) and not self._dropping.drop_if(outcome.skipped):
            self.clipper.guard.cannot_drop(self._optimizer)
        if not (outcome.batch.untouched and outcome.batch.holds(gradients)):
            write(parameters, gradients, outcome.batch)

    def _write_now(
        self, parameters: list[Tensor], gradients: in_place.Gradients, batch: Batch
    ) -> None:
        """Write the clipped gradients, which the optimizer need not divide any more."""
        self._write(parameters, gradients, batch)
        amp.mark_unscaled(self._optimizer)

    def _fold(self, parameters: list[Tensor], gradients: in_place.Gradients, batch: Batch) -> None:
        """Have the optimizer's step clip, or write the clipped gradients if it cannot."""
        assert self._folding is not None  # asked before
        if not self._folding.fold(gradients, batch):
            self._write_now(parameters, gradients, batch)

    def _restore(self) -> None:
        """Leave the optimizer as it was before the step."""
        self._dropping.restore()
        if self._folding is not None:
            self._folding.restore()

    @torch.no_grad()
    def _reset(self) -> None:
        """Set the optimizer's moments to zero where it is time."""
        parameters, names = self._parameters.read()
        for every, governed in self._resets:
            if self._applied % every:
                continue
            chosen = [p for p, name in zip(parameters, names, strict=True) if name in governed]
            if not reset_moments(self._optimizer, chosen):
                self.clipper.guard.no_moments(self._optimizer)
