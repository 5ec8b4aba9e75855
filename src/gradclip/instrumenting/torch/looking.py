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

    def kept(self) -> "Looked":
        """Return the same in memory of its own."""
        norms, largest, nonfinite, zeros = (c.clone() for c in self._look.columns)
        factor = self._factor.clone() if isinstance(self._factor, Tensor) else self._factor
        return Looked(Look(lambda: (norms, largest, nonfinite, zeros)), factor)

    def column(self, place: int) -> NDArray[Any]:
        """Return a column."""
        values = vector(self._look.columns[place])
        return values * float(self._factor) if self.scaled and place in _SCALED else values


class Looks:
    """Looks at the gradients of some parameters, step after step, without waiting for a device.

    Args:
        parameters: The parameters, P of them; one that has no gradient counts as zeros.
        placement: Which parts of them this process is to tell of.
    """

    def __init__(self, parameters: list[Tensor], placement: Placement = _HERE) -> None:
        self._parameters = parameters
        self._placement = placement
        self._whole = not (placement.sharded or placement.rank)
        self._rows: cpu.Table | None = None  # of the last gradients, where C could read them
        self._kinds: list[tuple[Tensor, torch.dtype, int]] = []  # parameters, and what they have

    def look(self, factor: Any = 1.0) -> Found | Looked:
        """Look once.

        Args:
            factor: What takes the scale of a scaled loss from gradients, ().

        Returns:
            What was found.
        """
        if self._whole and isinstance(factor, float) and factor == 1.0:
            rows = self._moved() or self._new_rows()
            if rows is not None:
                return Found(rows.measure(threads=torch.get_num_threads()))
        with torch.no_grad():
            gradients = self._placement.parts(in_place.read(self._parameters))
            return Looked(_VERBS.statistics(gradients), factor)

    def _moved(self) -> cpu.Table | None:
        """Return the last table, moved to the gradients that there are; None if they do not fit.

        Where tensors are small, what is asked of each costs more than reading it.
        """
        rows = self._rows
        if rows is None:
            return None
        self._rows = None  # unless all goes well
        addresses = []
        try:
            for parameter, kind, count in self._kinds:
                gradient: Any = parameter.grad
                if not (
                    type(gradient) is Tensor
                    and gradient.dtype is kind
                    and gradient.numel() == count
                    and gradient.is_cpu
                    and gradient.is_contiguous()
                ):
                    return None
                addresses.append(gradient.data_ptr())
        except RuntimeError:  # of a layout that has no strides
            return None
        if len(set(addresses)) < len(addresses) or 0 in addresses:  # one for two; empty
            return None
        rows.move(addresses)
        self._rows = rows
        return rows

    def _new_rows(self) -> cpu.Table | None:
        """Return a table where all gradients are plain and different: most often they are."""
        gradients: list[Any] = [p.grad for p in self._parameters]
        if set(map(type, gradients)) != {Tensor} or len(set(map(id, gradients))) < len(gradients):
            return None
        self._rows = on_host.table(gradients)
        self._kinds = [
            (p, g.dtype, g.numel()) for p, g in zip(self._parameters, gradients, strict=True)
        ]
        return self._rows
