"""Looks at gradients where training runs, as short as they can be."""

import functools
from array import array
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradclip.core.statistics import Look
from gradclip.instrumenting.torch.distributed import Placement
from gradclip.instrumenting.torch.seen import LARGEST, NORMS
from gradclip.kernels import cpu
from gradclip.record.convert import vector
from gradclip.torch import in_place, on_host
from gradclip.torch.namespace import TorchNamespace
from gradclip.torch.squares import hypotenuse

# What the C library writes, in the order of the columns here.
_COLUMNS = (
    (cpu.Column.NORMS, np.float64),
    (cpu.Column.LARGEST, np.float64),
    (cpu.Column.NONFINITE, np.int64),
    (cpu.Column.ZEROS, np.int64),
)
_SCALED = (NORMS, LARGEST)
_HERE = Placement()
_PLAIN = {Tensor}
_VERBS = TorchNamespace()


@functools.cache
def _layout(length: int) -> list[tuple[int, Any]]:
    """Return where each column of a table of tensors begins, in bytes, and its type."""
    places = cpu.Found(array("d"), length)
    return [(places.offset(column), kind) for column, kind in _COLUMNS]


class Found:
    """What the C library found in gradients, as it wrote it.

    Args:
        found: What it found.
    """

    __slots__ = ("found",)
    counted = True
    scaled = False

    def __init__(self, found: cpu.Found) -> None:
        self.found = found

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        return self.found.global_norm

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        memory, length = self.found
        offset, kind = _layout(length)[place]
        return np.frombuffer(memory, kind, length, offset)


class Looked:
    """What one look at gradients found, multiplied by one over the scale of a scaled loss.

    Args:
        look: What was found.
        factor: What norms and moduli are multiplied by, ().
    """

    __slots__ = ("_factor", "_look")
    counted = True

    def __init__(self, found: Look, factor: Any = 1.0) -> None:
        self._look = found
        self._factor = factor

    @property
    def total(self) -> float:
        """The norm of all gradients as one vector."""
        return hypotenuse(self.column(NORMS).tolist())

    @property
    def scaled(self) -> bool:
        """Whether the gradients were those of a scaled loss."""
        return isinstance(self._factor, Tensor) or self._factor != 1.0

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        values = vector(self._look.columns[place])
        return values * float(self._factor) if self.scaled and place in _SCALED else values


def look(
    parameters: list[Tensor], factor: Any = 1.0, placement: Placement = _HERE
) -> Found | Looked:
    """Look once at the gradients of parameters, without waiting for a device.

    Args:
        parameters: The parameters, P of them; one that has no gradient counts as zeros.
        factor: What takes the scale of a scaled loss from them, ().
        placement: Which parts of them this process is to tell of.

    Returns:
        What was found.
    """
    if isinstance(factor, float) and factor == 1.0 and not (placement.sharded or placement.rank):
        found = _at_once([p.grad for p in parameters])
        if found is not None:
            return Found(found)
    with torch.no_grad():
        gradients = placement.parts(in_place.read(parameters))
        return Looked(_VERBS.statistics(gradients), factor)


def _at_once(gradients: list[Tensor | None]) -> cpu.Found | None:
    """Return what the C library finds where all are plain and different: most often they are."""
    if set(map(type, gradients)) != _PLAIN or len(set(map(id, gradients))) != len(gradients):
        return None
    plain: Any = gradients
    return on_host.find(plain)
