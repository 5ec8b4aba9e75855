"""The core's verbs on PyTorch tensors."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from gradclip.core.namespace import Leaves
from gradclip.core.sequences import flatten_list, nonfinite_error
from gradclip.errors import GradientTypeError
from gradclip.torch import apply, measure


class TorchNamespace:
    """PyTorch's side of `gradclip.core.namespace.Namespace`, where each verb is described."""

    def precision(self, name: str | None) -> AbstractContextManager[object]:
        """Open nothing: float64 is always there."""
        del name
        return nullcontext()

    def flatten(self, t_list: Iterable[Any]) -> Leaves:
        """Take a list apart."""
        return flatten_list(t_list)

    def tensor(self, t: Any, label: str) -> Tensor:
        """Return a floating or complex tensor."""
        tensor = t if isinstance(t, Tensor) else torch.as_tensor(t)
        if not (tensor.is_floating_point() or tensor.is_complex()):
            msg = f"`{label}` must be floating or complex, got a tensor of {tensor.dtype}."
            raise GradientTypeError(msg)
        return tensor

    def numeric(self, t: Any, label: str) -> Tensor:
        """Return a tensor of real floating numbers."""
        tensor = self.tensor(t, label)
        if tensor.is_complex():
            msg = f"`{label}` must be real: complex numbers have no order, got {tensor.dtype}."
            raise GradientTypeError(msg)
        return tensor

    def size(self, t: Tensor) -> float:
        """Return the number of entries, at least 1."""
        return max(t.numel(), 1)

    def unit_axes(self, t: Tensor) -> tuple[int, ...] | None:
        """Return all axes but the first, which counts the outputs."""
        return tuple(range(1, t.ndim)) if t.ndim > 1 else None

    def norm(self, t: Tensor, axes: Any = None) -> Tensor:
        """Return the wide 2-norm; sparse rows that occur twice are summed first."""
        if axes is None:
            return measure.norm(measure_values(t))
        axes = (axes,) if isinstance(axes, int) else tuple(axes)
        return measure.norm(t.to_dense() if t.layout != torch.strided else t, axes)

    def global_norm(self, tensors: list[Tensor]) -> Tensor:
        """Return the norm of all tensors as one vector, on the first one's device."""
        return measure.global_norm([measure_values(t) for t in tensors])

    def combine(self, norms: list[Tensor]) -> Tensor:
        """Return the norm of the parts, on the first one's device."""
        return measure.combine(norms)

    def wide(self, value: Any) -> Tensor:
        """Return a float64 tensor, where there is float64."""
        if isinstance(value, Tensor):
            return value.to(measure.wide_type(value.device))
        return torch.as_tensor(value, dtype=torch.float64)

    def narrow(self, norm: Tensor, tensors: list[Tensor]) -> Tensor:
        """Return float32, or float64 if a tensor is."""
        double = any(t.dtype in {torch.float64, torch.complex128} for t in tensors)
        return norm.to(torch.float64 if double else torch.float32)

    def rounded(self, value: Tensor, tensors: list[Tensor]) -> Tensor:
        """Round to the precision of `narrow`."""
        return self.narrow(value, tensors).to(value.dtype)

    def where(self, condition: Any, x: Any, y: Any) -> Tensor:
        """Choose by entry."""
        return torch.where(condition, x, y)

    def isfinite(self, x: Tensor) -> Tensor:
        """Tell by entry."""
        return torch.isfinite(x)

    def truth(self, condition: Tensor) -> bool | None:
        """Return the value of a condition that is on the host."""
        return bool(condition.all()) if measure.eager(condition) else None

    def require_finite(self, norms: list[Tensor], labels: list[str]) -> list[Tensor]:
        """Return the norms if they are finite; this waits for the device."""
        bad = [label for n, label in zip(norms, labels, strict=True) if not torch.isfinite(n)]
        if bad:
            raise nonfinite_error(bad)
        return norms

    def clamp(self, t: Tensor, low: Any, high: Any) -> Tensor:
        """Limit each entry to [low, high]."""
        return apply.clamp(t, low, high)

    def rescale(self, tensors: list[Tensor], factor: Tensor) -> list[Tensor]:
        """Multiply each by the factor."""
        return [apply.rescale(t, factor) for t in tensors]

    def zero_where(self, tensors: list[Tensor], conditions: list[Tensor]) -> list[Tensor]:
        """Return zeros in place of those whose condition holds."""
        pairs = zip(tensors, conditions, strict=True)
        return [apply.rescale(t, torch.where(bad, 0.0, 1.0)) for t, bad in pairs]


def measure_values(tensor: Tensor) -> Tensor:
    """Return the entries that count for a norm: of a sparse tensor, those of its merged rows."""
    if tensor.layout == torch.sparse_coo:
        return tensor.coalesce().values()
    return apply.values_of(tensor)
