"""Norms of PyTorch tensors, right at every scale."""

import math

import torch
from torch import Tensor

from gradclip.core.namespace import EUCLIDEAN
from gradclip.torch import on_device
from gradclip.torch.flat import largest_on_host
from gradclip.torch.squares import hypotenuse, norm_by_rows, norms_on_host, total_on_host

_NARROW = {torch.float32, torch.bfloat16, torch.float16}
_FEW = 4096  # numbers that a list and `math.hypot` handle sooner than a dozen calls of PyTorch


def wide_type(device: torch.device) -> torch.dtype:
    """Return the type that norms are computed in: float64, where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def eager(tensor: Tensor) -> bool:
    """Tell whether values of `tensor` can be looked at without waiting or breaking a graph."""
    return (
        tensor.is_cpu
        and not torch.compiler.is_compiling()
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)  # noqa: SLF001 - vmap, grad
    )


def norm(tensor: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """Return the wide 2-norm of a dense tensor, (), or over `axes`, which stay with length 1.

    Entries narrower than the wide type are squared in it, where no square overflows or
    underflows; others are brought near 1 by an exact power of two first.
    """
    if axes is None and short(tensor):
        return torch.tensor(hypotenuse(tensor.tolist()), dtype=torch.float64)
    if axes is None and _together([tensor], {tensor.device.type}):
        return norms([tensor])[0]
    wide = wide_type(tensor.device)
    if _has_headroom(tensor.dtype, wide):
        return _root(_sum_of_squares(tensor, axes, wide))
    exponent = _exponent(tensor.detach(), axes)
    near_one = tensor * _power_of_two(-exponent, wide)
    return _root(_sum_of_squares(near_one, axes, wide)) * _power_of_two(exponent, wide)


def norms(tensors: list[Tensor], p: float = EUCLIDEAN) -> Tensor:
    """Return the wide p-norms (T,) of T dense tensors on the first one's device."""
    if not tensors:
        return torch.zeros(0, dtype=torch.float64)
    device = tensors[0].device
    if p != EUCLIDEAN:
        return torch.stack([p_norm([t], p).to(device) for t in tensors])
    devices = {t.device.type for t in tensors}
    if not _together(tensors, devices):
        return torch.stack([norm(t).to(device) for t in tensors])
    if devices == {"cpu"}:
        return torch.tensor(norms_on_host(tensors), dtype=torch.float64)
    measured = torch._foreach_norm(tensors, EUCLIDEAN, dtype=torch.float64)  # noqa: SLF001
    return torch.stack([n.to(device) for n in measured])


def global_norm(tensors: list[Tensor]) -> Tensor:
    """Return the wide 2-norm () of all entries of dense tensors, on the first one's device."""
    if not tensors:
        return torch.zeros((), dtype=torch.float64)
    known = on_device.global_norm(tensors, EUCLIDEAN)
    if known is not None:
        return known
    total = total_on_host(tensors) if _on_host(tensors) else None
    return norm(norms(tensors)) if total is None else torch.tensor(total, dtype=torch.float64)


def _on_host(tensors: list[Tensor]) -> bool:
    """Tell whether all can be read together on the CPU, and their values looked at."""
    return _together(tensors, devices := {t.device.type for t in tensors}) and devices == {"cpu"}


def _together(tensors: list[Tensor], devices: set[str]) -> bool:
    """Tell whether one call may measure all: squares fit, and nothing is traced or derived."""
    return (
        not torch.compiler.is_compiling()
        and {t.dtype for t in tensors} <= _NARROW
        and "mps" not in devices  # it has no float64
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors))
        and torch._C._functorch.peek_interpreter_stack() is None  # noqa: SLF001 - no other way
    )


def short(tensor: Tensor) -> bool:
    """Tell whether a tensor is a vector of few wide numbers on the host: norms of tensors."""
    return (
        tensor.dtype == torch.float64
        and tensor.ndim == 1
        and 0 < tensor.numel() <= _FEW
        and not tensor.requires_grad
        and eager(tensor)
    )


def combine(norms: list[Tensor]) -> Tensor:
    """Return the norm () of the parts with these wide norms, on the first one's device."""
    if not norms:
        return torch.zeros((), dtype=torch.float64)
    return norm(torch.stack([n.to(norms[0].device) for n in norms]))


def p_norm(tensors: list[Tensor], p: float) -> Tensor:
    """Return the wide p-norm (), 0 < p <= inf, of the moduli of all entries of dense tensors."""
    device = tensors[0].device
    wide = wide_type(device)
    if p == math.inf and _on_host(tensors):
        return torch.tensor(largest_on_host(tensors), dtype=wide)
    peak = torch.stack([largest(t).to(device, wide) for t in tensors]).amax()
    if p == math.inf:
        return peak
    # Divided by the largest, no power overflows, and what underflows is too small to be seen.
    unit = torch.where(torch.isfinite(peak) & (peak > 0), peak, 1.0)
    powers = [(t.abs().to(wide) / unit.to(t.device)).pow(p).sum().to(device) for t in tensors]
    return unit * torch.stack(powers).sum().pow(1 / p)


def p_norm_over(tensor: Tensor, p: float, axes: tuple[int, ...]) -> Tensor:
    """Return the wide p-norm over axes, which stay with length 1."""
    moduli = wide_modulus(tensor)
    largest = moduli.amax(axes, keepdim=True)
    if p == math.inf:
        return largest
    unit = torch.where(torch.isfinite(largest) & (largest > 0), largest, 1.0)
    return unit * (moduli / unit).pow(p).sum(axes, keepdim=True).pow(1 / p)


def wide_modulus(tensor: Tensor) -> Tensor:
    """Return the wide moduli of a dense tensor."""
    wide = wide_type(tensor.device)
    if tensor.is_complex():
        return torch.hypot(tensor.real.to(wide), tensor.imag.to(wide))
    return tensor.to(wide).abs()


def _has_headroom(dtype: torch.dtype, wide: torch.dtype) -> bool:
    """Tell whether squares of `dtype` neither overflow nor underflow in `wide`."""
    return torch.finfo(dtype).max < math.sqrt(torch.finfo(wide).max)


def _sum_of_squares(tensor: Tensor, axes: tuple[int, ...] | None, wide: torch.dtype) -> Tensor:
    """Sum squared moduli in `wide`; of a tensor that needs no gradient, by rows."""
    parts = [tensor.real, tensor.imag] if tensor.is_complex() else [tensor]
    if axes is not None:
        moduli = torch.stack([part.to(wide) for part in parts])
        return moduli.square().sum((0, *(axis % tensor.ndim + 1 for axis in axes)), keepdim=True)[0]
    if tensor.requires_grad or not eager(tensor):
        return torch.stack([part.to(wide).square().sum() for part in parts]).sum()
    flat = [part.reshape(-1).to(wide) for part in parts]
    return torch.stack([norm_by_rows(part).square() for part in flat]).sum()


def _root(total: Tensor) -> Tensor:
    """Return the square root, with a finite derivative at 0."""
    positive = total != 0
    return torch.where(positive, torch.where(positive, total, 1.0).sqrt(), 0.0)


def largest(tensor: Tensor) -> Tensor:
    """Return the largest modulus, (), NaN if any is; 0 for no entries."""
    if tensor.is_complex() or not tensor.numel() or tensor.requires_grad:
        return tensor.abs().amax() if tensor.numel() else tensor.abs().sum()
    least, most = torch.aminmax(tensor)  # a tenth of the time of amax of the magnitudes
    return torch.maximum(-least, most)


def _exponent(tensor: Tensor, axes: tuple[int, ...] | None) -> Tensor:
    """Return the binary exponents of the largest moduli, kept where their powers are finite."""
    if not tensor.numel():
        return torch.zeros((), dtype=torch.int64, device=tensor.device)
    peak = largest(tensor) if axes is None else tensor.abs().amax(axes, keepdim=True)
    exponent = torch.frexp(torch.where(torch.isfinite(peak), peak, 1.0))[1]
    bound = -round(math.log2(torch.finfo(peak.dtype).tiny)) - 1  # 1021 for float64
    return exponent.clamp(-bound, bound).to(torch.int64)


def _power_of_two(exponent: Tensor, wide: torch.dtype) -> Tensor:
    """Return 2 to an integer power, exactly: `exp2` and `ldexp` round or overflow in float32."""
    if wide == torch.float64:
        return ((exponent + 1023) << 52).view(torch.float64)
    return ((exponent + 127) << 23).to(torch.int32).view(torch.float32)
