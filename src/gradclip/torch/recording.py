"""Steps of an optimizer, recorded: what was clipped, and the update really applied."""

import torch
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.record.recorder import Recorder
from gradclip.torch import measure
from gradclip.torch.apply import values_of


class Recording:
    """Record every step of an optimizer, and now and then what it changed.

    At the steps at which the update is measured it holds a copy of the parameters.

    Args:
        optimizer: The optimizer, whose first group's learning rate is recorded.
        recorder: What writes.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, recorder: Recorder) -> None:
        self._optimizer = optimizer
        self._recorder = recorder
        self._before: list[Tensor] = []

    @torch.no_grad()
    def before(self, parameters: list[Tensor]) -> None:
        """Remember the parameters that a step is going to move."""
        if self._recorder.wants_update and not self._before:
            self._before = [values_of(p.detach()).clone() for p in parameters]

    @torch.no_grad()
    def after(self, parameters: list[Tensor], report: Report) -> None:
        """Record a step that was taken, or skipped."""
        if self._before:
            changes = [values_of(p) - old for p, old in zip(parameters, self._before, strict=True)]
            self._recorder.note(
                weight_norms=measure.norms(self._before), update_norms=measure.norms(changes)
            )
            self._before = []
        rate = self._optimizer.param_groups[0].get("lr")
        self._recorder.record(report, learning_rate=rate)
