"""Steps of an optimizer, recorded: what was clipped, and the update really applied."""

import torch
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.record.recorder import Recorder
from gradclip.torch.apply import values_of
from gradclip.torch.namespace import TorchNamespace


class Change:
    """What a step is about to change: it holds a copy of the parameters.

    Args:
        parameters: The parameters before the step.

    Example:
        >>> import torch
        >>> weight = torch.tensor([3.0, 4.0])
        >>> change = Change([weight])
        >>> _ = weight.add_(torch.tensor([0.0, 0.5]))
        >>> {name: norms.tolist() for name, norms in change.norms().items()}
        {'weight_norms': [5.0], 'update_norms': [0.5]}
    """

    @torch.no_grad()
    def __init__(self, parameters: list[Tensor]) -> None:
        self._parameters = parameters
        self._before = [values_of(p.detach()).clone() for p in parameters]

    @torch.no_grad()
    def norms(self) -> dict[str, Tensor]:
        """Return the norms before the step, and those of what it changed, (P,) each; ask once."""
        weights = self._norms()
        for parameter, old in zip(self._parameters, self._before, strict=True):
            old.sub_(
                values_of(parameter)
            )  # in place: memory of its own would take most of the time
        return {"weight_norms": weights, "update_norms": self._norms()}

    def _norms(self) -> Tensor:
        norms: Tensor = TorchNamespace().norms([*self._before])
        return norms


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
        self._change: Change | None = None

    def before(self, parameters: list[Tensor]) -> None:
        """Remember the parameters that a step is going to move."""
        if self._recorder.wants_update and self._change is None:
            self._change = Change(parameters)

    def after(self, report: Report) -> None:
        """Record a step that was taken, or skipped."""
        if self._change is not None:
            self._recorder.note(**self._change.norms())
            self._change = None
        rate = self._optimizer.param_groups[0].get("lr")
        self._recorder.record(report, learning_rate=rate)
