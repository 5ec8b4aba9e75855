"""The arithmetic of policies on PyTorch tensors."""

from typing import Any

import torch
from torch import Tensor

from gradclip.core.arithmetic import LARGEST, SMALLEST


def scalar(value: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a number as a tensor () on a device, or a tensor there.

    Nothing waits for a number: it is written there. Copied it would be from memory that the host
    takes back, so that the host waits for all that the device has to do before.
    """
    if isinstance(value, int | float):
        return torch.full((), value, dtype=dtype, device=device)
    return torch.as_tensor(value, dtype=dtype, device=device)


class TorchArithmetic:
    """PyTorch's side of `gradclip.core.arithmetic.Arithmetic`, where each verb is described.

    Args:
        device: Where the norms are.
        wide: The type that they are computed in.
        given: The type in which users get them.
    """

    def __init__(self, device: torch.device, wide: torch.dtype, given: torch.dtype) -> None:
        self._device = device
        self._wide = wide
        self._given = given

    def sqrt(self, x: Tensor) -> Tensor:
        """Return the square root."""
        return x.sqrt()

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Choose by entry; at once where the condition is known."""
        if isinstance(condition, bool):
            return x if condition else y
        return torch.where(condition, self._typed(x), self._typed(y))

    def isfinite(self, x: Any) -> Tensor:
        """Tell by entry."""
        return torch.isfinite(self.wide(x))

    def any(self, condition: Tensor) -> Tensor:
        """Return whether it holds for any entry."""
        return condition.any()

    def wide(self, value: Any) -> Tensor:
        """Return a value in wide precision, on the device."""
        if isinstance(value, Tensor):
            return value.to(self._device, self._wide)
        return scalar(value, self._wide, self._device)

    def rounded(self, x: Any) -> Tensor:
        """Round to the given type."""
        return self.wide(x).to(self._given).to(self._wide)

    def load(self, stored: Any) -> Tensor:
        """Return a wide value."""
        return self.wide(stored)

    def store(self, x: Any) -> Tensor:
        """Return a float32 value, denormals as 0."""
        limited = self.wide(x).clamp(-LARGEST, LARGEST)
        return torch.where(limited.abs() < SMALLEST, 0.0, limited).to(torch.float32)

    def zeros(self, like: Any, length: int | None = None) -> Tensor:
        """Return zeros."""
        shape = tuple(like.shape) if isinstance(like, Tensor) else ()
        whole = shape if length is None else (length, *shape)
        return torch.zeros(whole, dtype=self._wide, device=self._device)

    def put(self, window: Tensor, position: Any, value: Any) -> Tensor:
        """Return the window with the value in one place."""
        return torch.where(_places(window) == position, value, window)

    def quantile(self, window: Tensor, count: Any, q: float) -> Tensor:
        """Return the quantile of the first entries."""
        places = _places(window)
        entries = torch.where(places < count, window, torch.inf).sort(0).values
        last = (count - 1.0).clamp(min=0.0)
        place = q * last
        below = place.floor()
        above = torch.minimum(below + 1.0, last)
        low, high = (torch.where(places == at, entries, 0.0).sum(0) for at in (below, above))
        return torch.where(count > 0, low + (place - below) * (high - low), 0.0)

    def _typed(self, value: Any) -> Any:
        """Return a number in wide precision, since `torch.where` would take its default type."""
        return self.wide(value) if isinstance(value, float) else value


def _places(window: Tensor) -> Tensor:
    """Return the index along the first axis, (W, 1, ...)."""
    places = torch.arange(len(window), dtype=window.dtype, device=window.device)
    return places.reshape(-1, *(1,) * (window.ndim - 1))
