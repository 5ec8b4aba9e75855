"""PyTorch's own clipping functions, under their names, right where they are not."""

import math
import types
import warnings
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

from gradclip.core.decide import decide
from gradclip.core.namespace import EUCLIDEAN
from gradclip.core.sequences import nonfinite_error
from gradclip.core.thresholds import check_norm, check_number, check_threshold
from gradclip.errors import ConfigurationError
from gradclip.kernels.cpu import Table
from gradclip.torch import apply, measure, on_device, on_host
from gradclip.torch.namespace import TorchNamespace, measure_values

Tensors = Tensor | Iterable[Tensor]
_USUAL = {torch.float32, torch.bfloat16, torch.float16, torch.float64}
_xp = TorchNamespace()


@torch.no_grad()
def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float | Tensor | None,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    foreach: bool | None = None,  # noqa: FBT001 - PyTorch's signature
) -> Tensor:
    """Scale the gradients of parameters in place to a common norm of at most `max_norm`.

    Stands in for `torch.nn.utils.clip_grad_norm_`: no epsilon moves the threshold, gradients at
    or below it keep their bits and are not written, and squares cannot overflow or underflow.

    Args:
        parameters: A parameter or an iterable of them, read once; one given twice, and a
            gradient shared by two, count and are scaled once. Those without gradient are left.
        max_norm: The largest norm, >= 0; inf measures only, None is off.
        norm_type: The p of the p-norm, > 0; `inf` for the largest magnitude.
        error_if_nonfinite: Raise if the norm is NaN or inf, before anything is changed.
        foreach: Accepted for PyTorch's sake; the way is chosen by device.

    Returns:
        The norm before clipping, (), float32 or float64, on the first gradient's device. If it
        is NaN or inf (and `max_norm` is not inf) all gradients become NaN.

    Raises:
        ConfigurationError: `max_norm` is negative or NaN, or `norm_type` not positive.
        GradientTypeError: A gradient is not floating or complex.
        NonFiniteGradientError: As `error_if_nonfinite` asks; also a RuntimeError.

    Example:
        >>> import torch, gradclip
        >>> weight = torch.nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([3e30, 4e30])
        >>> gradclip.torch.clip_grad_norm_([weight], max_norm=1.0)
        tensor(5.0000e+30)
        >>> weight.grad
        tensor([0.6000, 0.8000])

    References:
        Pascanu, Mikolov and Bengio, 2013, arXiv:1211.5063; `torch.nn.utils.clip_grad_norm_`.
    """
    limit = _limit(max_norm)
    gradients = _gradients(parameters)
    if not error_if_nonfinite:  # which cannot be known without waiting
        known = on_device.clip(gradients, limit, float(norm_type))
        if known is not None:
            return known
    table = on_host.table(gradients)
    total = _total_norm(gradients, table, norm_type, error_if_nonfinite=error_if_nonfinite)
    if gradients and limit is not None:
        _clip(gradients, table, limit, total)
    del foreach
    return _xp.narrow(total, gradients)


@torch.no_grad()
def clip_grads_with_norm_(
    parameters: Tensors,
    max_norm: float | Tensor | None,
    total_norm: Tensor | float,
    foreach: bool | None = None,  # noqa: FBT001 - PyTorch's signature
) -> None:
    """Scale the gradients of parameters in place, given their norm.

    Args:
        parameters: As for `clip_grad_norm_`.
        max_norm: The largest norm, >= 0; inf and None leave all as it is.
        total_norm: The norm that `get_total_norm` returned, >= 0.
        foreach: Accepted for PyTorch's sake; the way is chosen by device.

    Raises:
        ConfigurationError: `max_norm` or `total_norm` is negative, or `max_norm` NaN.

    Example:
        >>> import torch, gradclip
        >>> weight = torch.nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([3.0, 4.0])
        >>> norm = gradclip.torch.get_total_norm([weight.grad])
        >>> gradclip.torch.clip_grads_with_norm_([weight], 1.0, norm)
        >>> weight.grad
        tensor([0.6000, 0.8000])

    References:
        `torch.nn.utils.clip_grads_with_norm_`.
    """
    limit = _limit(max_norm)
    total = _given_norm(total_norm)
    del foreach
    on_host_both = isinstance(total, float) and isinstance(limit, float)
    if limit is None or (on_host_both and total <= limit):
        return  # and no gradient was touched
    gradients = _gradients(parameters)
    if gradients:
        _clip(gradients, on_host.table(gradients), limit, total)


@torch.no_grad()
def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    foreach: bool | None = None,  # noqa: FBT001 - PyTorch's signature
) -> Tensor:
    """Return the norm of tensors as one vector.

    Args:
        tensors: A tensor or an iterable of them, read once; types and devices may differ.
        norm_type: The p of the p-norm, > 0; `inf` for the largest magnitude.
        error_if_nonfinite: Raise if the norm is NaN or inf.
        foreach: Accepted for PyTorch's sake; the way is chosen by device.

    Returns:
        The norm, (), float32 (float64 if a tensor is) on the first one's device; 0 for none.

    Raises:
        ConfigurationError: `norm_type` is not positive.
        GradientTypeError: A tensor is not floating or complex.
        NonFiniteGradientError: As `error_if_nonfinite` asks; also a RuntimeError.

    Example:
        >>> import torch, gradclip
        >>> gradclip.torch.get_total_norm([torch.tensor([3e-30]), torch.tensor([4e-30])])
        tensor(5.0000e-30)

    References:
        `torch.nn.utils.get_total_norm`.
    """
    del foreach
    entries = [_xp.tensor(t, f"tensors[{i}]") for i, t in enumerate(_read(tensors, "tensors"))]
    table = on_host.table(entries)
    total = _total_norm(entries, table, norm_type, error_if_nonfinite=error_if_nonfinite)
    return _xp.narrow(total, entries)


@torch.no_grad()
def clip_grad_value_(
    parameters: Tensors,
    clip_value: float | None,
    foreach: bool | None = None,  # noqa: FBT001 - PyTorch's signature
) -> None:
    """Limit each entry of the gradients of parameters to [-clip_value, clip_value] in place.

    Args:
        parameters: As for `clip_grad_norm_`. Rows of a sparse gradient that occur twice are
            summed first, and the gradient stays sparse.
        clip_value: The largest magnitude, >= 0; None is off. NaN entries stay NaN.
        foreach: Accepted for PyTorch's sake; the way is chosen by device.

    Raises:
        ConfigurationError: `clip_value` is negative or NaN.
        GradientTypeError: A gradient is complex or not floating.

    Example:
        >>> import torch, gradclip
        >>> weight = torch.nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([-3.0, 0.5])
        >>> gradclip.torch.clip_grad_value_(weight, 1.0)
        >>> weight.grad
        tensor([-1.0000,  0.5000])

    References:
        `torch.nn.utils.clip_grad_value_`.
    """
    del foreach
    limit = check_threshold("clip_value", clip_value, _xp)
    if limit is None:
        return
    for gradient in _gradients(parameters):
        _xp.numeric(gradient, "gradient")
        if gradient.layout == torch.sparse_coo:
            gradient.copy_(apply.clamp(gradient, -limit, limit))
        else:
            values = apply.values_of(gradient)
            bound = limit.to(values.device, values.dtype)
            values.clamp_(-bound, bound)


def _limit(max_norm: float | Tensor | None) -> Tensor | float | None:
    """Return a threshold, a number where it can be: arithmetic on tensors costs more."""
    if type(max_norm) in {int, float}:
        return check_number("max_norm", cast("float", max_norm))
    limit = check_threshold("max_norm", max_norm, _xp)
    return float(limit) if isinstance(limit, Tensor) and measure.eager(limit) else limit


def _given_norm(total_norm: Tensor | float) -> Tensor | float:
    """Return a norm that was measured, a number where it can be."""
    if isinstance(total_norm, Tensor) and not measure.eager(total_norm):
        return cast("Tensor", check_norm("total_norm", total_norm, _xp))
    total = float(total_norm)
    if total < 0:
        check_norm("total_norm", total_norm, _xp)  # which raises
    return total


def _read(tensors: Tensors, name: str) -> list[Tensor]:
    """Read an iterable once, warning of a used-up generator as PyTorch does."""
    if isinstance(tensors, Tensor):
        return [tensors]
    entries = list(tensors)
    if not entries and isinstance(tensors, types.GeneratorType):
        msg = f"`{name}` is an empty generator, no gradient clipping will occur."
        warnings.warn(msg, stacklevel=5)  # the caller, above no_grad's frames
    return entries


def _gradients(parameters: Tensors) -> list[Tensor]:
    """Return the gradients of parameters, each once."""
    gradients = [p.grad for p in _read(parameters, "parameters")]
    distinct = {id(gradient): gradient for gradient in gradients if gradient is not None}.values()
    if {g.dtype for g in distinct} <= _USUAL:
        return [*distinct]
    return [_xp.tensor(gradient, f"gradient {i}") for i, gradient in enumerate(distinct)]


def _total_norm(
    tensors: list[Tensor], table: Table | None, norm_type: float, *, error_if_nonfinite: bool
) -> Tensor | float:
    """Return the wide norm of tensors, as a number where they are in a table."""
    p = float(norm_type)
    if not p > 0:
        msg = f"`norm_type` must be > 0, got {norm_type!r}. Use 2.0, 1.0 or float('inf')."
        raise ConfigurationError(msg)
    if not tensors:
        return 0.0
    known: Tensor | float | None = on_device.global_norm(tensors, p)
    if known is None and table is not None:
        known = on_host.global_norm(table, p)
    if known is not None:
        total = known
    else:
        values = [measure_values(t) for t in tensors]
        total = measure.global_norm(values) if p == EUCLIDEAN else measure.p_norm(values, p)
    if error_if_nonfinite and not math.isfinite(total):
        bad = [i for i, t in enumerate(tensors) if not torch.isfinite(measure_values(t)).all()]
        raise nonfinite_error([f"gradient {i} {tuple(tensors[i].shape)}" for i in bad])
    return total


def _clip(
    gradients: list[Tensor], table: Table | None, limit: Tensor | float, total: Tensor | float
) -> None:
    """Scale gradients in place by what their norm and the limit decide."""
    norm, arithmetic = _xp.decidable(total, gradients)
    on_host_too = isinstance(norm, float)
    bound = float(limit) if on_host_too else torch.as_tensor(limit, device=norm.device)
    factor = decide(norm, bound, "propagate", arithmetic)
    if isinstance(factor, float) and factor == 1:
        return
    if table is not None and on_host_too:
        on_host.scale(table, gradients, factor)
        return
    factor = torch.as_tensor(factor, dtype=torch.float64)
    by_device: dict[torch.device, list[Tensor]] = {}
    for gradient in gradients:
        by_device.setdefault(gradient.device, []).append(gradient)
    for device, tensors in by_device.items():
        apply.rescale_(tensors, factor.to(device))
