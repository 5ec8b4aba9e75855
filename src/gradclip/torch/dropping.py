"""Steps that an optimizer takes and that change nothing."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradclip.torch import amp


class Dropping:
    """Have an optimizer leave its parameters and its state as they are, for one step.

    Args:
        optimizer: The optimizer.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer: Any = optimizer
        self._hidden: list[tuple[Tensor, Tensor]] = []
        self._marked = False

    def drop(self, parameters: list[Tensor]) -> None:
        """Hide the gradients: optimizers pass over parameters that have none."""
        self._hidden = [(p, p.grad) for p in parameters if p.grad is not None]
        for parameter, _ in self._hidden:
            parameter.grad = None

    def drop_if(self, skipped: Tensor) -> bool:
        """Have the step dropped on the device if a condition () holds there.

        Args:
            skipped: The condition, whose value is not looked at.

        Returns:
            Whether the optimizer can; otherwise it goes by the gradients that it gets.
        """
        if not amp.honours_found_inf(self._optimizer):
            return False
        found = skipped.to(torch.float32)
        if hasattr(self._optimizer, "found_inf"):  # GradScaler's, which takes it away itself
            self._optimizer.found_inf = self._optimizer.found_inf.to(found.device).maximum(found)
        else:
            self._optimizer.found_inf = found
            self._marked = True
        return True

    def restore(self) -> None:
        """Bring everything back after the step."""
        for parameter, gradient in self._hidden:
            if parameter.grad is None:
                parameter.grad = gradient
        self._hidden = []
        if self._marked:
            del self._optimizer.found_inf
            self._marked = False
