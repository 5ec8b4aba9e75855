"""Sums of squares on the CPU, as fast as reading allows and as exact as float64."""

import functools
import math

import numpy as np
import torch
from torch import Tensor

from gradclip.torch.flat import CHUNK, SMALL, flat_chunks, large_chunks

# Rows of 256 give each of 8 lanes 32 additions: their rounding lies below 5e-7 of a norm, whatever
# the numbers, where PyTorch's own norm of 4 million equal numbers is 3e-3 off.
_ROW = 256
_SHORT = 2048  # entries that a dot product in float32 adds up without drifting,
_DRIFT = 6e-7  # which is this much of the square
# Below this mean of squares, float32 may lose squares that count: 2**-126 is 6e-8 of it.
_LEAST_MEAN = 2e-31


def norms_on_host(tensors: list[Tensor]) -> list[float]:
    """Return the 2-norms of dense float32, bfloat16 or float16 tensors on the CPU.

    Args:
        tensors: The tensors, whose values can be looked at.

    Returns:
        The norms, in float64's precision for small tensors, within 3e-7 for others; inf or NaN
        where an entry is.

    Example:
        >>> import torch
        >>> norms_on_host([torch.tensor([3.0, 4.0]), torch.full((10_000,), 0.5)])
        [5.0, 50.0]
    """
    with np.errstate(all="ignore"):  # what is not in range is read again
        norms = [_large_norm(t) if t.numel() > SMALL else _short_norm(t) for t in tensors]
    rest = [i for i, norm in enumerate(norms) if norm is None]
    if rest:
        fused = torch._foreach_norm([tensors[i] for i in rest], 2.0, dtype=torch.float64)  # noqa: SLF001
        for i, norm in zip(rest, torch.stack(fused).tolist(), strict=True):
            norms[i] = norm
    return [norm for norm in norms if norm is not None]


def total_on_host(tensors: list[Tensor]) -> float | None:
    """Return the 2-norm of dense tensors as one vector, in fewer calls than norms of each take.

    Args:
        tensors: At least one, as in `norms_on_host`.

    Returns:
        The norm within 5e-7; None where float32 may not hold the squares, or an entry is not
        finite.

    Example:
        >>> import torch
        >>> total_on_host([torch.tensor([3.0]), torch.ones(16)])
        5.0
        >>> total_on_host([torch.tensor([1e25, 1e25])])
    """
    rows = [_rows(flat) for flat in flat_chunks(tensors)]
    total = float(torch.linalg.vector_norm(torch.cat(rows), dtype=torch.float64))
    entries = sum(t.numel() for t in tensors)
    return total if math.sqrt(_LEAST_MEAN * entries) <= total < math.inf else None


def hypotenuse(numbers: list[float]) -> float:
    """Return the 2-norm of numbers, at any scale; NaN if one is.

    Example:
        >>> hypotenuse([3 * 2.0**600, 4 * 2.0**600]) == 5 * 2.0**600  # whose squares overflow
        True
    """
    result = math.hypot(*numbers)
    return math.nan if math.isinf(result) and any(map(math.isnan, numbers)) else result


@functools.cache
def dot_is_exact() -> bool:
    """Tell whether NumPy's library sums short products without drifting: not every one does."""
    entries = [np.full(_SHORT, x, np.float32) for x in (0.1, 0.7, 1 / 3)]
    return all(abs(float(x.dot(x)) / (_SHORT * float(x[0]) ** 2) - 1) < _DRIFT for x in entries)


def _short_norm(tensor: Tensor) -> float | None:
    """Return the norm of a short float32 tensor in a third of PyTorch's time; None for others."""
    if tensor.dtype != torch.float32 or tensor.numel() > _SHORT or not dot_is_exact():
        return None
    entries = tensor.detach().numpy().ravel()
    total = float(entries.dot(entries))
    return math.sqrt(total) if _LEAST_MEAN * _SHORT < total < math.inf else None


def norm_by_rows(flat: Tensor) -> Tensor:
    """Return the norm () of a vector whose squares its own type can hold, through rows of it.

    No number of equal entries makes it drift, as a sum over the whole would.
    """
    norm: Tensor = torch.linalg.vector_norm(_rows(flat), dtype=torch.float64)
    return norm


def _rows(flat: Tensor) -> Tensor:
    """Return the norms of rows of a vector, and of what is left."""
    rest = flat.numel() % _ROW
    if not rest:
        rows: Tensor = torch.linalg.vector_norm(flat.view(-1, _ROW), dim=1)
        return rows
    rows = torch.linalg.vector_norm(flat[:-rest].view(-1, _ROW), dim=1)
    return torch.cat([rows, torch.linalg.vector_norm(flat[-rest:]).view(1)])


def _large_norm(tensor: Tensor) -> float:
    """Return the norm of one tensor."""
    total = math.hypot(*(float(norm_by_rows(chunk)) for chunk in large_chunks(tensor)))
    if math.sqrt(_LEAST_MEAN * tensor.numel()) <= total < math.inf:
        return total
    wide = (chunk.to(torch.float64) for chunk in torch.split(tensor.reshape(-1), CHUNK))
    return hypotenuse([float(norm_by_rows(chunk)) for chunk in wide])
