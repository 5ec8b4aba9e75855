"""Clipping that fused optimizers do themselves, while they read the gradients anyway."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer

from gradclip.core.arithmetic import is_scalar
from gradclip.core.policies.batch import Batch
from gradclip.torch import amp, in_place, on_device

# Those whose fused kernels divide by `grad_scale`. RMSprop ignores it silently, and of a subclass
# nobody knows what its step does first.
_DIVIDE = {SGD, Adam, AdamW, Adagrad}
_NARROW = {torch.float32, torch.bfloat16, torch.float16}  # `grad_scale` is float32, no wider
_LEAST_FACTOR = 2.0**-126  # one over less is no float32


class Folding:
    """Let a fused optimizer scale its gradients down, where it can, for one step.

    Its kernel divides each gradient by `grad_scale`, as GradScaler has it do, and writes it back:
    parameters and gradients end as if these had been clipped before, for one pass less.

    Args:
        optimizer: The optimizer.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer: Any = optimizer
        self._before: tuple[Tensor | None, ...] | None = None  # of grad_scale; () if it had none

    def fold(self, gradients: in_place.Gradients, batch: Batch) -> bool:
        """Have the next step scale the gradients.

        Args:
            gradients: The gradients that the optimizer is going to read.
            batch: What the policy made of them.

        Returns:
            Whether it will; otherwise nothing was done.
        """
        if not (self._divides() and _is_division(gradients, batch)):
            return False
        # It writes all gradients, also where there is nothing to clip, which nobody knows of what
        # lies on a device: that costs more than scaling by a kernel that returns at once.
        if isinstance(batch.factor, Tensor) and not self._divides_anyway():
            return False
        divisor = _divisor(gradients, batch.factor)
        if divisor is None:
            return False
        held = hasattr(self._optimizer, "grad_scale")
        self._before = (self._optimizer.grad_scale,) if held else ()
        self._optimizer.grad_scale = divisor
        return True

    def restore(self) -> None:
        """Leave the optimizer as it was before the step."""
        before, self._before = self._before, None
        if before:  # GradScaler's, which takes it away itself
            (self._optimizer.grad_scale,) = before
        elif before is not None and hasattr(self._optimizer, "grad_scale"):
            del self._optimizer.grad_scale

    def _divides_anyway(self) -> bool:
        """Tell whether the step divides by a GradScaler's scale, clipped or not."""
        return getattr(self._optimizer, "grad_scale", None) is not None

    def _divides(self) -> bool:
        """Tell whether the optimizer divides every gradient by `grad_scale`."""
        optimizer = self._optimizer
        return (
            type(optimizer) in _DIVIDE
            and amp.honours_found_inf(optimizer)
            and all(group.get("fused") for group in optimizer.param_groups)
        )


def _is_division(gradients: in_place.Gradients, batch: Batch) -> bool:
    """Tell whether all that a policy did is to divide narrow gradients by one number."""
    return (
        is_scalar(batch.factor)
        and batch.holds(gradients)
        and all(t.dtype in _NARROW for t in batch.present)
    )


def _divisor(gradients: in_place.Gradients, factor: Any) -> Tensor | None:
    """Return one over a factor in float32, (); None where float32 cannot hold it, or need not."""
    if not isinstance(factor, Tensor):
        small = _LEAST_FACTOR < factor < 1
        return torch.tensor(1.0 / factor, dtype=torch.float32) if small else None
    # On a device nobody knows how small it is: the kernels multiply by what is too small, zeros
    # included, and return at once in every other step.
    tiny = factor < _LEAST_FACTOR
    if not on_device.scale(gradients, torch.where(tiny, factor, 1.0)):
        return None
    return torch.where(tiny, 1.0, factor).reciprocal().to(torch.float32)
