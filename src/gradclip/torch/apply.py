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
    if not eager(factor):
        _multiply_unseen(stored, [factor] * len(stored))
        return
    _multiply_by(stored, [float(factor)] * len(stored))


def rescale_each_(tensors: list[Tensor | None], factors: Tensor) -> None:
    """Multiply each of T tensors by its own wide factor of (T,) in place; None is left out."""
    places = [i for i, t in enumerate(tensors) if t is not None]
    stored = [values_of(t) for t in tensors if t is not None]
    if not eager(factors):
        _multiply_unseen(stored, [factors[i] for i in places])
        return
    numbers = factors.tolist()
    _multiply_by(stored, [numbers[i] for i in places])


def _multiply_by(stored: list[Tensor], factors: list[float]) -> None:
    """Multiply each by a number: 1 writes nothing, 0 gives zeros."""
    groups: dict[str, list[tuple[Tensor, float]]] = {}
    for values, factor in zip(stored, factors, strict=True):
        # Below float32's normal numbers a factor loses digits, and `_foreach_mul_` would round it.
        kind = "tiny" if 0 < factor < torch.finfo(torch.float32).tiny else "usual"
        kind = {1.0: "one", 0.0: "zero"}.get(factor, kind)
        groups.setdefault(kind, []).append((values, factor))
    if "usual" in groups:
        torch._foreach_mul_(*map(list, zip(*groups["usual"], strict=True)))
    if "zero" in groups:
        torch._foreach_zero_([values for values, _ in groups["zero"]])
    for values, factor in groups.get("tiny", []):
        values.copy_(rescale(values, torch.as_tensor(factor, dtype=torch.float64)))


def _multiply_unseen(stored: list[Tensor], factors: list[Tensor]) -> None:
    """Multiply each by a factor () whose value is not looked at."""
    for values, factor in zip(stored, factors, strict=True):
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
