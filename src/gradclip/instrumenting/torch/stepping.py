"""One step of one optimizer, from its gradients to what it changed."""

from typing import Any

from torch.optim import Optimizer

from gradclip.core.policies.report import Report
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.instrumenting.torch.policies import Policy
from gradclip.instrumenting.torch.rounds import Part
from gradclip.instrumenting.torch.seen import NOTHING, Clipped, Reported, Seen, Unless
from gradclip.torch import amp
from gradclip.torch.recording import Change


class Stepping:
    """A step under way.

    Args:
        optimizer: What steps.
        trained: What it trains.
        policy: What of gradclip's clips; None if nothing does.
        due: Whether the step is to be recorded.
        measured: Whether what it changes is to be measured.

    Attributes:
        trained: What it trains.
        policy: What of gradclip's clips; None if nothing does.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        trained: Trained,
        policy: Policy | None,
        *,
        due: bool,
        measured: bool,
    ) -> None:
        self.trained = trained
        self._optimizer = optimizer
        self.policy = policy
        self._due = due
        self._change = Change(trained.placement.held(trained.parameters)) if measured else None
        self._part: Part | None = None
        if policy is not None:
            policy.begin()

    def gradients(self, arrivals: Arrivals, loss: Any) -> None:
        """Look at the gradients that the step gets, or have them clipped.

        Args:
            arrivals: What is known of them as they came.
            loss: What they are the gradients of.
        """
        if self.policy is not None:
            self.policy.clip()
        self._part = self._looked(arrivals, loss)

    def evaluated(self, arrivals: Arrivals, loss: Any) -> None:
        """Do so after a call of the step's closure; the first one's gradients are the step's.

        Args:
            arrivals: As in `gradients`.
            loss: The same.
        """
        if self.policy is not None:
            self.policy.clip_now()
        if self._part is None:
            self._part = self._looked(arrivals, loss)

    def dropped(self, arrivals: Arrivals, loss: Any) -> Part:
        """Return what is known of a step that its optimizer was not let to take.

        Args:
            arrivals: As in `gradients`.
            loss: The same.
        """
        self.policy = None
        part = self._looked(arrivals, loss)
        part.skipped, part.after = True, Unless(True, part.after)  # noqa: FBT003 - it is
        part.learning_rate = self._learning_rate()
        return part

    def end(self, arrivals: Arrivals) -> Part | None:
        """Return what is known after the step; None if it never had gradients.

        Args:
            arrivals: As in `gradients`.
        """
        report = None if self.policy is None else self.policy.end()
        part = self._part
        if part is None:
            return None
        if report is not None:
            self._report(part, report, arrivals)
        elif self.policy is not None:  # there was nothing to clip
            self._look(part, arrivals)
        part.learning_rate = self._learning_rate()
        part.changed = None if self._change is None else self._change.norms()
        return part

    def _learning_rate(self) -> Any:
        return self._optimizer.param_groups[0].get("lr")

    def _looked(self, arrivals: Arrivals, loss: Any) -> Part:
        """Return what is seen before the step; where a policy looks, its report tells."""
        trained = self.trained
        part = Part(trained=trained, names=trained.names, before=NOTHING, after=NOTHING, loss=loss)
        if self.policy is None:
            self._look(part, arrivals)
        return part

    def _look(self, part: Part, arrivals: Arrivals) -> None:
        """Look at the gradients; a fused optimizer gets scaled ones, and drops some itself."""
        if not self._due:
            return
        seen = self.trained.look(amp.unscaling(self._optimizer))
        found = getattr(self._optimizer, "found_inf", None)
        part.before, part.after = seen, seen
        if found is not None:
            part.skipped, part.after = found, Unless(found, seen)
        self._arrive(part, arrivals, seen)

    def _arrive(self, part: Part, arrivals: Arrivals, seen: Seen) -> bool:
        """Put what came in the place of what was seen at the step; return whether it differs."""
        arrival = arrivals.take(self.trained, seen)
        if arrival is None:
            return False
        part.before, part.limit = arrival.seen, arrival.limit
        return True

    def _report(self, part: Part, report: Report, arrivals: Arrivals) -> None:
        """Note what a policy did."""
        if not self._due:
            return
        part.before, part.after = Reported(report), Clipped(report)
        arrived = self._arrive(part, arrivals, part.before)
        if report.names is self.trained.names and not arrived:
            part.report = report
        part.limit, part.skipped = report.limit, report.skipped
