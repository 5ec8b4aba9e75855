"""Skipped steps, counted on the device, and read when they have arrived on the host."""

from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

from gradclip.core.skipping import check_skipped
from gradclip.torch.capturing import captures


class _Copy(NamedTuple):
    """A count on its way to the host."""

    in_a_row: Tensor
    arrived: torch.Event | None  # None for what is on the host already


class SkippedOnDevice:
    """Count skipped steps without waiting for the device.

    Args:
        limit: The number of skipped steps in a row after which to raise; None for never. It
            raises when the count has arrived, some steps later.
        total: The steps skipped before.
        in_a_row: The same since one was not.

    Example:
        >>> import torch
        >>> skipped = SkippedOnDevice(limit=None)
        >>> for step in (True, False, True):
        ...     skipped.record(torch.tensor(step))
        >>> int(skipped.total), int(skipped.in_a_row)
        (2, 1)
    """

    def __init__(self, limit: int | None, total: int = 0, in_a_row: int = 0) -> None:
        self.total: Tensor | int = total
        self.in_a_row: Tensor | int = in_a_row
        self._limit = limit
        self._copies: deque[_Copy] = deque()

    def record(self, skipped: Tensor) -> None:
        """Count a step.

        Args:
            skipped: Whether it was skipped, a bool ().

        Raises:
            NonFiniteGradientError: `limit` steps in a row were skipped some time ago.
        """
        number = skipped.to(torch.int64)
        if isinstance(self.total, Tensor) and isinstance(self.in_a_row, Tensor) and skipped.is_cuda:
            self.total.add_(number)  # in place: a CUDA graph finds what its last replay left
            self.in_a_row.add_(1).mul_(number)
        else:
            self.total = self.total + number
            self.in_a_row = (self.in_a_row + 1) * number
        if self._limit is None or captures() or torch.compiler.is_compiling():
            return
        self._check_arrived(self._limit)
        self._copies.append(_copied(self.in_a_row))

    def _check_arrived(self, limit: int) -> None:
        """Look at the counts that are on the host, and never wait for one."""
        while self._copies and (self._copies[0].arrived is None or self._copies[0].arrived.query()):
            check_skipped(int(self._copies.popleft().in_a_row), limit)


def _copied(count: Tensor) -> _Copy:
    """Send a count to the host."""
    if count.device.type == "cpu":
        return _Copy(count, None)
    pinned = torch.empty_like(count, device="cpu", pin_memory=count.device.type == "cuda")
    pinned.copy_(count, non_blocking=True)
    arrived = torch.Event(count.device)
    arrived.record()
    return _Copy(pinned, arrived)
