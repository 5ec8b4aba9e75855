"""Factors and bounds applied to PyTorch tensors."""

from typing import Any

import torch
from torch import Tensor

from gradclip.errors import ConfigurationError
from gradclip.torch.measure import eager, wide_type


def rescale(tensor: Tensor, factor: Tensor) -> Tensor:
    """Multiply by a wide factor with one rounding; 1 keeps the bits and 0 gives zeros."""
    factor = factor.to(tensor.device)
    if factor.ndim == 0 and eager(factor):
        if factor == 1:
            return tensor  # itself: what is not clipped is read once and not written
        if factor == 0:
            return torch.zeros_like(tensor)
    if tensor.layout != torch.strided:
        return _rescale_values(tensor, factor)
    scaled = (tensor.to(_wide_like(tensor)) * factor).to(tensor.dtype)
    kept = torch.where(factor == 1, tensor, scaled)
    return torch.where(factor == 0, torch.zeros_like(tensor), kept)


def rescale_(tensors: list[Tensor], factor: Tensor) -> None:
    """Multiply tensors, dense or sparse, by one wide factor () in place.

    On the CPU nothing is written when the factor is 1.
    """
    stored = [values_of(t) for t in tensors]
    if eager(factor) and factor == 1:
        return
    # Below float32's normal numbers a factor loses digits, and `_foreach_mul_` would round it.
    if eager(factor) and factor != 0 and not factor < torch.finfo(torch.float32).tiny:
        torch._foreach_mul_(stored, float(factor))
        return
    for values in stored:
        values.copy_(rescale(values, factor))


def clamp(tensor: Tensor, low: Any, high: Any) -> Tensor:
    """Limit each entry to [low, high]; NaN stays NaN, and sparse rows are summed first."""
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.coalesce()
        values = clamp(tensor.values(), low, high)
        return torch.sparse_coo_tensor(
            tensor.indices(), values, tensor.shape, is_coalesced=True, check_invariants=False
        )
    if low is not None:
        tensor = torch.maximum(tensor, _bound(low, tensor))
    return tensor if high is None else torch.minimum(tensor, _bound(high, tensor))


def _bound(value: Any, tensor: Tensor) -> Tensor:
    """Return a bound in the tensor's type and shape."""
    bound = torch.as_tensor(value, device=tensor.device).to(tensor.dtype)
    try:
        return bound.expand(tensor.shape)
    except RuntimeError as error:
        shapes = f"{tuple(tensor.shape)}, got {tuple(bound.shape)}"
        msg = f"Bounds must broadcast to the tensor's shape {shapes}."
        raise ConfigurationError(msg) from error


def values_of(tensor: Tensor) -> Tensor:
    """Return the entries that a tensor stores, sharing its memory."""
    if tensor.layout == torch.strided:
        return tensor
    return tensor._values() if tensor.layout == torch.sparse_coo else tensor.values()  # noqa: SLF001


def _rescale_values(tensor: Tensor, factor: Tensor) -> Tensor:
    """Return a sparse tensor with its stored entries multiplied."""
    result = tensor.clone()
    values = values_of(result)
    values.copy_(rescale(values, factor))
    return result


def _wide_like(tensor: Tensor) -> torch.dtype:
    """Return the wide type, complex for a complex tensor."""
    wide = wide_type(tensor.device)
    if not tensor.is_complex():
        return wide
    return torch.complex128 if wide == torch.float64 else torch.complex64
