"""The reports of many steps, kept where they are computed and fetched in one copy."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.errors import ConfigurationError
from gradclip.torch.arithmetic import scalar

_NUMBERS = ("norm_before", "norm_after", "scale", "skipped")
_VECTORS = ("parts_before", "parts_after")
_STATISTICS = ("largest", "nonfinite", "zeros")


class Recorded(NamedTuple):
    """What S steps of T parameters came to, oldest first, in float64.

    Attributes:
        names: The parameters' names, T of them.
        steps: The steps' numbers in the order in which they were added, from 0, (S,), integers.
        norm_before: The global norms before clipping, (S,).
        norm_after: The same after, (S,).
        scale: The latter over the former, (S,).
        skipped: Whether a step was dropped, (S,), bools.
        parts_before: Each gradient's norm before clipping, (S, T).
        parts_after: The same after, (S, T).
        limit: The limit of each gradient, (S, T), or the one of all, (S, 1).
        largest: Each gradient's largest modulus, (S, T); None without `statistics=True`.
        nonfinite: Each one's number of entries that are not finite, likewise.
        zeros: Each one's number of zeros, likewise.
    """

    names: tuple[str, ...]
    steps: NDArray[np.int64]
    norm_before: NDArray[np.float64]
    norm_after: NDArray[np.float64]
    scale: NDArray[np.float64]
    skipped: NDArray[np.bool_]
    parts_before: NDArray[np.float64]
    parts_after: NDArray[np.float64]
    limit: NDArray[np.float64]
    largest: NDArray[np.float64] | None
    nonfinite: NDArray[np.float64] | None
    zeros: NDArray[np.float64] | None


class History:
    """A ring of reports: adding one waits for nothing, reading them all is one copy.

    The ring lies on the device of the first report's norms, 8 bytes for each number: 2 to 6 for
    each parameter and step. Steps that were not read before the ring came round are lost, and
    counted.

    Args:
        capacity: How many steps the ring holds, >= 1.

    Attributes:
        lost: How many steps were overwritten before anybody read them.

    Raises:
        ConfigurationError: `capacity` is no number >= 1.

    Example:
        >>> import torch, gradclip
        >>> clipper = gradclip.torch.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
        >>> history = gradclip.torch.History(capacity=100)
        >>> for size in (0.5, 5.0):
        ...     _ = clipper([torch.tensor([size, 0.0])])
        ...     history.add(clipper.report)
        >>> recorded = history.read()
        >>> recorded.norm_before.tolist(), recorded.norm_after.tolist()
        ([0.5, 5.0], [0.5, 1.0])
        >>> recorded.zeros.tolist()
        [[1.0], [1.0]]
    """

    def __init__(self, capacity: int = 1000) -> None:
        if type(capacity) is not int or capacity < 1:
            msg = f"`capacity` must be an int >= 1, got {capacity!r}."
            raise ConfigurationError(msg)
        self.capacity = capacity
        self.lost = 0
        self._names: tuple[str, ...] = ()
        self._widths: tuple[int, ...] = ()
        self._ring: Tensor | None = None
        self._added = self._read = 0

    def __len__(self) -> int:
        """Return how many steps there are to read."""
        return self._added - self._read

    def add(self, report: Report) -> None:
        """Copy a report's numbers into the ring, without waiting for a device.

        Args:
            report: What a Clipper or `attach` reported, always of the same parameters and with
                or without statistics.

        Raises:
            ConfigurationError: Its parameters or its statistics are others than before.
        """
        vectors = _vectors(report)
        widths = tuple(len(v) for v in vectors)
        if self._ring is None:
            self._names, self._widths = report.names, widths
            device = report.parts_before.device
            self._ring = torch.empty(
                (self.capacity, sum(widths)), dtype=torch.float64, device=device
            )
        elif (report.names, widths) != (self._names, self._widths):
            msg = (
                f"Reports must be of the {len(self._names)} parameters of the first one, with "
                f"statistics or without, got one of {len(report.names)}. Keep a history for each."
            )
            raise ConfigurationError(msg)
        row = self._ring[self._added % self.capacity]
        torch.cat([v.to(row.device, torch.float64) for v in vectors], out=row)
        self._added += 1
        if len(self) > self.capacity:
            self._read += 1
            self.lost += 1

    def read(self) -> Recorded:
        """Return the steps that were not read before, and make room; this waits for the device.

        Raises:
            ConfigurationError: No report was ever added.
        """
        if self._ring is None:
            msg = "A history must have got a report before it is read, got none. Call add(report)."
            raise ConfigurationError(msg)
        steps = np.arange(self._read, self._added)
        rows = self._ring.cpu().numpy()[steps % self.capacity]
        self._read = self._added
        numbers, limit, before, after, *others = np.split(
            rows, np.cumsum(self._widths)[:-1], axis=1
        )
        largest, nonfinite, zeros = others or (None, None, None)
        return Recorded(
            names=self._names,
            steps=steps,
            norm_before=numbers[:, 0],
            norm_after=numbers[:, 1],
            scale=numbers[:, 2],
            skipped=numbers[:, 3] != 0,
            parts_before=before,
            parts_after=after,
            limit=limit,
            largest=largest,
            nonfinite=nonfinite,
            zeros=zeros,
        )


def _vectors(report: Report) -> list[Tensor]:
    """Return a report's entries as vectors: four numbers, the limit, norms, statistics."""
    device = report.parts_before.device
    limit = report.limit if isinstance(report.limit, Tensor) else float(report.limit)
    numbers = [_number(getattr(report, name), device) for name in _NUMBERS]
    vectors = [torch.stack(numbers), _number(limit, device).reshape(-1)]
    vectors += [getattr(report, name) for name in _VECTORS]
    if report.statistics is not None:
        vectors += [getattr(report.statistics, name) for name in _STATISTICS]
    return vectors


def _number(value: Any, device: torch.device) -> Tensor:
    """Return a number or a tensor on a device, in float64."""
    return scalar(value, torch.float64, device)
