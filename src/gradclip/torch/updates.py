"""Updates of an optimizer, clipped after its step as StableAdamW does."""

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradclip.core.policies.update_clipping import UpdateRMS
from gradclip.errors import ConfigurationError
from gradclip.torch.measure import eager
from gradclip.torch.moments import check_second_moment, second_moments


class UpdateClipping:
    """Scale the updates of an optimizer down.

    It holds a copy of the parameters while the optimizer steps.

    Args:
        optimizer: The optimizer.
        description: How far.

    Raises:
        ConfigurationError: The optimizer keeps no second moment.
    """

    def __init__(self, optimizer: Optimizer, description: UpdateRMS) -> None:
        check_second_moment(optimizer)
        self._optimizer = optimizer
        self._description = description
        self._moved: list[tuple[Tensor, Tensor]] = []

    def before(self, parameters: list[Tensor]) -> None:
        """Remember the parameters that a step is going to move."""
        self._moved = [(p, p.detach().clone()) for p in parameters if p.grad is not None]

    @torch.no_grad()
    def after(self) -> None:
        """Take back of each update what is too much.

        Raises:
            ConfigurationError: The optimizer keeps no second moment, or a gradient is sparse.
        """
        moved, self._moved = self._moved, []
        if not moved:
            return
        for (parameter, old), ratio in zip(moved, self._ratios(moved), strict=True):
            share = (self._description.max_rms / ratio).clamp(max=1.0)
            if not eager(share) or share < 1:
                parameter.copy_(torch.lerp(old, parameter, share.to(parameter.dtype)))

    def _ratios(self, moved: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Return the root mean square of each gradient over its root mean square so far."""
        parameters = [p for p, _ in moved]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if any(g.layout != torch.strided for g in gradients):
            msg = "UpdateRMS needs dense gradients, got a sparse one. Use sparse=False."
            raise ConfigurationError(msg)
        moments = second_moments(self._optimizer, parameters)
        ratios = []
        for gradient, moment in zip(gradients, moments, strict=True):
            root = moment.to(torch.float32).sqrt().clamp(min=self._description.eps)
            ratios.append((gradient.to(torch.float32) / root).square().mean().sqrt())
        return ratios
