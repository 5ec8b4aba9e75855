"""Tensors on the CPU as few long vectors, for calls that cost more than the reading."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

SMALL = 8192  # entries: up to here one call for all tensors costs less than one for each
CHUNK = 1 << 18  # entries; a float32 copy of 1 MiB stays in the cache


def flat_chunks(tensors: list[Tensor]) -> Iterator[Tensor]:
    """Take dense tensors as float32 vectors: large ones in place, small ones put together.

    Args:
        tensors: float32, bfloat16 or float16 tensors.

    Yields:
        Vectors that hold all entries, copies of 1 MiB at most, which stay in the cache.
    """
    waiting: list[Tensor] = []
    size = 0
    for t in tensors:
        length = t.numel()
        if length > SMALL:
            yield from large_chunks(t)
            continue
        if size + length > CHUNK or (waiting and waiting[0].dtype != t.dtype):
            yield _joined(waiting)
            waiting, size = [], 0
        waiting.append(t)
        size += length
    if waiting:
        yield _joined(waiting)


def large_chunks(tensor: Tensor) -> Iterator[Tensor]:
    """Take a tensor as a float32 vector, or as several where it must be copied."""
    if tensor.dtype == torch.float32:
        return iter((tensor.reshape(-1),))
    return (chunk.to(torch.float32) for chunk in torch.split(tensor.reshape(-1), CHUNK))


def _joined(tensors: list[Tensor]) -> Tensor:
    """Return tensors of one type as one float32 vector."""
    joined: Tensor = torch._C._nn.flatten_dense_tensors(tensors)  # noqa: SLF001 - as DDP does
    return joined.to(torch.float32)


def largest_on_host(tensors: list[Tensor]) -> float:
    """Return the largest modulus of all entries; NaN if one is, 0 for none.

    Args:
        tensors: As for `flat_chunks`.

    Example:
        >>> largest_on_host([torch.tensor([3.0, -4.0]), torch.zeros(0)])
        4.0
    """
    peaks = [0.0]
    for chunk in flat_chunks(tensors):
        if chunk.numel():
            least, most = torch.aminmax(chunk)  # a tenth of the time of amax of the magnitudes
            peaks.append(float(torch.maximum(-least, most)))
    return math.nan if any(map(math.isnan, peaks)) else max(peaks)
