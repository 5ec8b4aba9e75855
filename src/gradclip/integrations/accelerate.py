"""Accelerate: what stands where `accelerator.clip_grad_norm_` stood."""

from typing import Any

import torch
from accelerate import Accelerator

from gradclip.core.decide import NonFinite
from gradclip.core.policies.report import Report
from gradclip.integrations.hiding import clip_or_hide
from gradclip.integrations.settings import Settings, check_whole
from gradclip.torch.clipper import Parameters

__all__ = ["Clipper"]


class Clipper:
    """Clip gradients by a policy, in the place and order of `accelerator.clip_grad_norm_`.

    Gradients are unscaled first, in mixed precision, and clipped once they are accumulated and
    the same on every process. What the policy has learned is saved by `accelerator.save_state`
    and loaded by `accelerator.load_state`.

    Args:
        accelerator: The accelerator that prepared the optimizer.
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to, as in `gradclip.torch.Clipper`; with
            `"skip"` the gradients are removed, so that the step changes nothing.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these, or gradients are sharded.

    Example:
        >>> import torch
        >>> accelerator = Accelerator(cpu=True)
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> model, sgd = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=1.0))
        >>> clipper = Clipper(accelerator, "global-norm=1")
        >>> accelerator.backward(model(torch.tensor([[3.0, 4.0]])).sum())
        >>> print(clipper.clip_(model.named_parameters()))
        norm 5 -> 1, limit 1, scale 0.2
          weight  5 -> 1
        >>> sgd.step()
    """

    def __init__(
        self,
        accelerator: Accelerator,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        check_whole(accelerator.distributed_type.value)
        settings = Settings(policy=policy, nonfinite=nonfinite, max_skipped=max_skipped)
        self._clipper = settings.clipper()
        self._accelerator = accelerator
        accelerator.register_for_checkpointing(self)

    def clip_(
        self, parameters: Parameters, optimizer: torch.optim.Optimizer | None = None
    ) -> Report | None:
        """Clip the gradients of parameters in place, right before the optimizer's step.

        In the middle of an accumulation nothing happens: there is no need for
        `if accelerator.sync_gradients`.

        Args:
            parameters: Always the same parameters in the same order, or pairs of names and
                parameters such as `model.named_parameters()`.
            optimizer: Whose gradients to unscale, if there are several optimizers.

        Returns:
            The norms before and after; in the middle of an accumulation those of the last step.

        Raises:
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        if not self._accelerator.sync_gradients:
            return self.report
        self._accelerator.unscale_gradients(optimizer)
        return clip_or_hide(self._clipper, parameters)

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return self._clipper.skipped_steps

    def state_dict(self) -> dict[str, Any]:
        """Return what the policy has learned."""
        return self._clipper.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._clipper.load_state_dict(state_dict)
