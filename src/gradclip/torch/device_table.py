"""Tensors on a CUDA device as the Triton kernels take them."""

import functools
import math
import subprocess
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gradclip.core.namespace import EUCLIDEAN
from gradclip.kernels import cuda
from gradclip.torch.dense import is_dense
from gradclip.torch.device_layout import Arguments, DeviceLayout, current, device_layout

_TYPES = {
    torch.float32: cuda.Type.FLOAT32,
    torch.float16: cuda.Type.FLOAT16,
    torch.bfloat16: cuda.Type.BFLOAT16,
}
# Other classes may hold their entries elsewhere, or none: DTensor, FakeTensor, nested ones.
_PLAIN = {Tensor, torch.nn.Parameter, torch.nn.Buffer}
# What a first launch was seen to fail with: no compiler, no room for its cache, no such device.
_FAILURES = (RuntimeError, OSError, subprocess.CalledProcessError)


class Measured(NamedTuple):
    """What one pass found of T tensors; all of it on their device, and nothing waited for.

    Attributes:
        norms: Each tensor's 2-norm, (T,), float64; NaN if an entry is, else inf if one is.
        largest: Each one's largest magnitude, (T,), float64; likewise.
        nonfinite: Each one's number of entries that are not finite, (T,), int64.
        zeros: Each one's number of zeros, (T,), int64.
        norm: The norm of all as one vector, (), float64.
        factor: What brings it down to the limit, (), float64: exactly 1 at or below it, NaN where
            the norm is not finite and the limit is.
        narrow_norm: The norm in float32, ().
        inverse_factor: One over the factor, (), float32: what a fused optimizer takes for its
            `grad_scale`.
        found_inf: 1.0 where the norm is not finite, else 0.0, (), float32: its `found_inf`.
    """

    norms: Tensor
    largest: Tensor
    nonfinite: Tensor
    zeros: Tensor
    norm: Tensor
    factor: Tensor
    narrow_norm: Tensor
    inverse_factor: Tensor
    found_inf: Tensor


class DeviceTable:
    """T tensors on one device; whoever makes it keeps them alive until it has been used.

    Args:
        tensors: The tensors, for autograd to know that they were written to.
        layout: How they are cut into chunks.
        addresses: Where each one's entries are, 0 for one that is left out.
    """

    __slots__ = ("_addresses", "_layout", "_sent", "_tensors")

    def __init__(self, tensors: list[Tensor], layout: DeviceLayout, addresses: list[int]) -> None:
        self._tensors = tensors
        self._layout = layout
        self._addresses = addresses
        self._sent: Arguments | None = None

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self._layout.device

    def measure(
        self, limit: float | Tensor = math.inf, *, p: float = EUCLIDEAN, unit: Tensor | None = None
    ) -> Measured:
        """Read every entry once, and decide on a factor for all.

        Args:
            limit: The largest norm, a number or a tensor () on the device.
            p: Which norm of all is meant: 2, or inf for the largest magnitude.
            unit: What that norm is multiplied by before it is compared and returned, () on the
                device: one over the loss's scale. The factor does not contain it.

        Returns:
            What was found.
        """
        device, tables = self._layout.device, self._layout.tables
        number = math.inf if isinstance(limit, Tensor) else limit
        partial = _partial(tables.layout.num_chunks, device)
        found = _found(len(self._addresses), device)
        with current(device):
            self._sent = sent = self._layout.arguments(self._addresses, number)
            cuda.measure(tables, sent.addresses, partial)
            bound = limit if isinstance(limit, Tensor) else sent.limit
            cuda.finish(tables, partial, found, bound, unit, p=p)
        return _measured(found)

    def scale(self, factors: Tensor) -> None:
        """Multiply the tensors in place: 1 leaves them alone, 0 gives zeros, NaN gives NaN.

        Args:
            factors: One for all, (), or one for each, (T,), on the device.
        """
        device, wide = self._layout.device, factors.to(torch.float64).contiguous()
        with current(device):
            sent = self._sent or self._layout.arguments(self._addresses, math.inf)
            cuda.scale(self._layout.tables, sent.addresses, wide, each=wide.ndim > 0)
        torch.autograd.graph.increment_version(self._tensors)


def table(tensors: Sequence[Tensor | None]) -> DeviceTable | None:
    """Return a table of tensors that the kernels can read and write.

    Args:
        tensors: The tensors, which live until the table has been used; None is left out, and
            counts as a tensor without entries.

    Returns:
        The table; None if the kernels cannot take all of them: several devices, other types and
        layouts, views with gaps, anything traced or to be differentiated; or if Triton is missing.
    """
    # First, so that what lies on the host does not pay for it; compilers cannot see the rest.
    if torch.compiler.is_compiling() or not (_first_on_cuda(tensors) or cuda.interpreted()):
        return None
    present = [t for t in tensors if t is not None]
    types = [t.dtype for t in present]
    distinct = set(types)
    if not _may_read(present, distinct):
        return None
    # What is asked of each tensor costs more than the reading where there are thousands.
    try:
        if not (all(map(Tensor.is_contiguous, present)) or all(map(is_dense, present))):
            return None
        addresses = [*map(Tensor.data_ptr, present)]
    except RuntimeError:  # layouts without strides
        return None
    lengths = [*map(Tensor.numel, present)]
    codes = [int(_TYPES[dtype]) for dtype in (distinct if len(distinct) == 1 else types)]
    kinds = codes * (len(present) // len(codes))
    if len(present) < len(tensors):
        places = [i for i, t in enumerate(tensors) if t is not None]
        columns = (addresses, lengths, kinds)
        addresses, lengths, kinds = (_spread(c, places, len(tensors)) for c in columns)
    layout = device_layout(present[0].device, tuple(lengths), bytes(kinds))
    return DeviceTable(present, layout, addresses)


def _first_on_cuda(tensors: Sequence[Tensor | None]) -> bool:
    """Tell where the first tensor lies."""
    for t in tensors:
        if t is not None:
            return t.is_cuda
    return False


def _may_read(tensors: list[Tensor], types: set[torch.dtype]) -> bool:
    """Tell whether the kernels know types and device, and nothing is traced or differentiated."""
    return (
        set() < types <= _TYPES.keys()  # there is one at all
        and _PLAIN.issuperset(map(type, tensors))
        and len(set(map(Tensor.get_device, tensors))) == 1
        and torch._C._functorch.peek_interpreter_stack() is None  # noqa: SLF001 - no other way
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors))
        and _works(tensors[0].device)
    )


def _spread(column: list[int], places: list[int], length: int) -> list[int]:
    """Return a column with zeros for what is left out: no entries, nowhere, of any type."""
    spread = [0] * length
    for place, value in zip(places, column, strict=True):
        spread[place] = value
    return spread


@functools.cache
def _works(device: torch.device) -> bool:
    """Tell whether Triton runs here, by running it once: much may be missing that it needs."""
    if not cuda.usable(device.type):
        return False
    entries = torch.ones(1, device=device)
    layout = device_layout(device, (1,), bytes([cuda.Type.FLOAT32]))
    try:
        DeviceTable([entries], layout, [entries.data_ptr()]).measure()
    except _FAILURES as error:
        msg = f"Gradients are read by PyTorch's own calls, since Triton fails on {device}: {error}"
        warnings.warn(msg, stacklevel=2)
        return False
    return True


def _partial(num_chunks: int, device: torch.device) -> cuda.Partial:
    """Return memory for what is found of chunks, anew each time: streams do not share it."""
    squares = torch.empty(num_chunks, dtype=torch.float64, device=device)
    return cuda.Partial(
        squares,
        *(torch.empty(num_chunks, dtype=torch.int32, device=device) for _ in range(3)),
    )


def _found(length: int, device: torch.device) -> cuda.Found:
    """Return memory for what is found of tensors; the norm of all may be kept without the rest."""
    return cuda.Found(
        torch.empty((2, length), dtype=torch.float64, device=device),
        torch.empty((2, length), dtype=torch.int64, device=device),
        torch.empty(2, dtype=torch.float64, device=device),
        torch.empty(3, dtype=torch.float32, device=device),
    )


def _measured(found: cuda.Found) -> Measured:
    """Return what is found under its names."""
    columns = (*found.numbers.unbind(), *found.counts.unbind())
    return Measured(*columns, *found.wide.unbind(), *found.narrow.unbind())
