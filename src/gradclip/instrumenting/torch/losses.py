"""The loss that is trained: what `backward` was called on since the last step."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Losses:
    """Add up what is differentiated, without waiting for a device."""

    def __init__(self) -> None:
        self._total: Any = None
        self._scaler: Any = None

    def scaled_by(self, scaler: Any) -> None:
        """Remember what multiplies the losses to come."""
        self._scaler = scaler

    @property
    def factor(self) -> Any:
        """What takes the scale from the gradients of a scaled loss: 1, or a number ()."""
        return 1.0 if self._scaler is None else 1.0 / self._scale()

    def add(self, tensors: Any, gradients: Any) -> None:
        """Add what `torch.autograd.backward` was called on; what is no scalar has no value."""
        if gradients is None and type(tensors) is Tensor:  # most often it is
            if tensors.numel() == 1:
                self.add_number(tensors.item() if tensors.is_cpu else _own(tensors))
            return
        roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        given = gradients if isinstance(gradients, Sequence) else [gradients] * len(roots)
        for root, gradient in zip(roots, given, strict=True):
            if isinstance(root, Tensor) and root.numel() == 1:
                self.add_number(
                    _value(root) if gradient is None else _value(root) * _value(gradient)
                )

    def take(self) -> Any:
        """Return the sum since it was last taken; None where nothing was differentiated."""
        total, self._total, self._scaler = self._total, None, None
        return total

    def add_number(self, value: Any) -> None:
        """Add the value of a loss, a number or a tensor ()."""
        if self._scaler is not None:
            value = value / self._scale()
        self._total = value if self._total is None else self._total + value

    def _scale(self) -> Any:
        return _value(self._scaler._scale)  # noqa: SLF001 - its getter waits for the device


def _value(scalar: Tensor) -> Any:
    """Return a number; of what lies on a device, a tensor of its own."""
    if scalar.is_cpu and type(scalar) in (Tensor, torch.nn.Parameter):
        return scalar.item()
    return _own(scalar)


def _own(scalar: Tensor) -> Tensor:
    """Return a tensor that nobody else writes to."""
    return scalar.detach().clone().reshape(())
