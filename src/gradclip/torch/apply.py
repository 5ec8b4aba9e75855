"""Factors and bounds applied to PyTorch tensors."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradclip.errors import ConfigurationError
from gradclip.torch import on_device, on_host
from gradclip.torch.measure import eager, wide_type

_TINY = torch.finfo(torch.float32).tiny
_DOUBLE = {torch.float64, torch.complex128}


def rescale(tensor: Tensor, factor: Tensor) -> Tensor:
    """Multiply by a wide factor with one rounding; 1 keeps the bits and 0 gives zeros."""
    factor = factor.to(tensor.device)
    if factor.ndim == 0 and eager(factor):
        if factor == 1:
            return tensor  # itself: what is not clipped is read once and not written
        if factor == 0:
            return torch.zeros_like(tensor)
    if tensor.layout == torch.sparse_coo and factor.ndim:
        return _with_values(tensor, lambda values, at: rescale(values, at(factor)))
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
    if eager(factor):
        _multiply_by(stored, [float(factor)] * len(stored))
    elif not on_device.scale(stored, factor):
        _multiply_unseen(stored, [factor] * len(stored))


def rescale_each_(tensors: list[Tensor | None], factors: Tensor) -> None:
    """Multiply each of T tensors by its own wide factor of (T,) in place; None is left out."""
    places = [i for i, t in enumerate(tensors) if t is not None]
    values = [None if t is None else values_of(t) for t in tensors]
    stored = [t for t in values if t is not None]
    if eager(factors):
        numbers = factors.tolist()
        _multiply_by(stored, [numbers[i] for i in places])
    elif not on_device.scale(values, factors):
        each = factors.unbind()
        _multiply_unseen(stored, [each[i] for i in places])


def _multiply_by(stored: list[Tensor], factors: list[float]) -> None:
    """Multiply each by a number: 1 writes nothing, 0 gives zeros."""
    chosen = [(t, factor) for t, factor in zip(stored, factors, strict=True) if factor != 1]
    tensors = [t for t, _ in chosen]
    table = on_host.table(tensors)
    if table is not None:
        on_host.scale(table, tensors, [factor for _, factor in chosen])
    else:
        _multiply_in_few_calls(chosen)


def _multiply_in_few_calls(chosen: list[tuple[Tensor, float]]) -> None:
    """Multiply each by a number, without the C library."""
    usual: dict[torch.dtype, tuple[list[Tensor], list[float]]] = {}
    for values, factor in chosen:
        if factor == 0:
            values.zero_()
        elif factor < _TINY:  # where float32 loses digits of the factor
            values.copy_(rescale(values, torch.as_tensor(factor, dtype=torch.float64)))
        else:
            tensors, numbers = usual.setdefault(_factor_type(values), ([], []))
            tensors.append(values)
            numbers.append(factor)
    for dtype, (tensors, numbers) in usual.items():
        # A tensor () costs a third of a Python number, which is wrapped for each tensor anew.
        same = numbers.count(numbers[0]) == len(numbers)
        column = torch.tensor(numbers[:1] if same else numbers, dtype=dtype)
        torch._foreach_mul_(tensors, column[0] if same else list(column.unbind()))


def _multiply_unseen(stored: list[Tensor], factors: list[Tensor]) -> None:
    """Multiply each by a wide factor () whose value is not looked at."""
    usual, rests, zeros = [], [], []
    for values, wide in zip(stored, factors, strict=True):
        factor = wide.to(values.device)
        nonzero = torch.where(factor == 0, 1.0, factor)
        first = nonzero.clamp(min=_TINY)
        usual.append(first.to(_factor_type(values)))
        rests.append((nonzero / first).to(_factor_type(values)))  # 1 unless the factor is tiny
        zeros.append(factor == 0)
    if stored:
        torch._foreach_mul_(stored, usual)
        torch._foreach_mul_(stored, rests)
    for values, zero in zip(stored, zeros, strict=True):
        values.masked_fill_(zero, 0.0)  # 0 times inf is NaN


def _factor_type(values: Tensor) -> torch.dtype:
    """Return the type in which a factor for these values is exact enough."""
    return torch.float64 if values.dtype in _DOUBLE else torch.float32


def clamp(tensor: Tensor, low: Any, high: Any) -> Tensor:
    """Limit each entry to [low, high]; NaN stays NaN, and sparse rows are summed first."""
    if tensor.layout == torch.sparse_coo:
        return _with_values(tensor, lambda values, at: clamp(values, at(low), at(high)))
    bounds = [None if b is None else _bound(b, tensor) for b in (low, high)]
    if all(b is None or b.ndim == 0 for b in bounds):
        return tensor if low is high is None else torch.clamp(tensor, *bounds)
    for bound, choose in zip(bounds, (torch.maximum, torch.minimum), strict=True):
        tensor = tensor if bound is None else choose(tensor, bound)
    return tensor


def _bound(value: Any, tensor: Tensor) -> Tensor:
    """Return a bound in the tensor's type, () or in its shape."""
    bound = torch.as_tensor(value, device=tensor.device).to(tensor.dtype)
    if bound.ndim == 0:
        return bound
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


def _with_values(
    tensor: Tensor, function: Callable[[Tensor, Callable[[Any], Any]], Tensor]
) -> Tensor:
    """Return a sparse tensor, its rows merged, with other entries.

    Args:
        tensor: The tensor.
        function: Returns the entries for those that there are, and takes what picks of an array
            that broadcasts to the tensor's shape what belongs to these entries.
    """
    merged = tensor.coalesce()

    def at(array: Any) -> Any:
        if not isinstance(array, Tensor) or not array.ndim:
            return array
        return array.expand(merged.shape)[tuple(merged.indices())]

    values = function(merged.values(), at)
    return torch.sparse_coo_tensor(
        merged.indices(), values, merged.shape, is_coalesced=True, check_invariants=False
    )


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
