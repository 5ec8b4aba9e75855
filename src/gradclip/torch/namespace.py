"""The core's verbs on PyTorch tensors."""

import functools
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.floats import Floats
from gradclip.core.namespace import EUCLIDEAN, Leaves
from gradclip.core.sequences import flatten_list, nonfinite_error
from gradclip.core.statistics import Look
from gradclip.errors import GradientTypeError
from gradclip.torch import apply, measure, on_device, on_host, statistics
from gradclip.torch.arithmetic import TorchArithmetic, scalar
from gradclip.torch.squares import hypotenuse

_USUAL = {torch.float32, torch.bfloat16, torch.float16, torch.float64}
_DOUBLE = {torch.float64, torch.complex128}
_FLOATS = (Floats(), Floats(double=True))


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
        if isinstance(t, Tensor) and t.dtype in _USUAL:
            return t  # at once: this is asked of every gradient at every step
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

    def norm(self, t: Tensor, axes: Any = None, p: float = EUCLIDEAN) -> Tensor:
        """Return the wide p-norm; sparse rows that occur twice are summed first."""
        if axes is None:
            return _whole_norm(measure_values(t), p)
        axes = (axes,) if isinstance(axes, int) else tuple(axes)
        dense = t.to_dense() if t.layout != torch.strided else t
        return measure.norm(dense, axes) if p == EUCLIDEAN else measure.p_norm_over(dense, p, axes)

    def norms(self, tensors: list[Tensor | None], p: float = EUCLIDEAN) -> Tensor:
        """Return the tensors' p-norms as one vector, on the first one's device."""
        on_chip = on_device.norms(tensors, p)
        if on_chip is not None:
            return on_chip
        present = [t for t in tensors if t is not None]
        norms = on_host.norms(present, p)
        if norms is None:
            norms = measure.norms([measure_values(t) for t in present], p)
        return norms if len(present) == len(tensors) else _in_place(norms, tensors)

    def statistics(self, tensors: list[Tensor | None]) -> Look:
        """Return norms, largest moduli, and the numbers of non-finite entries and of zeros."""
        on_chip = on_device.look(tensors)
        if on_chip is not None:
            return on_chip
        present = [t for t in tensors if t is not None]
        complete = len(present) == len(tensors)
        look = on_host.look(present)
        if look is not None and complete:
            return look
        found = (
            look.columns if look else statistics.statistics([measure_values(t) for t in present])
        )
        if not complete:
            norms, largest, nonfinite, zeros = (_in_place(column, tensors) for column in found)
            found = (norms, largest, nonfinite, zeros)
        return Look(lambda: found)

    def glance(self, tensors: list[Tensor | None]) -> Look | None:
        """Return the same where the C library reads the tensors, or the Triton kernels."""
        present = [t for t in tensors if t is not None]
        look = on_host.look(present) if len(present) == len(tensors) else None
        return on_device.look(tensors) if look is None else look

    def magnitude(self, t: Tensor) -> Tensor:
        """Return the wide moduli of the entries; of a sparse tensor, dense ones."""
        dense = t.to_dense() if t.layout != torch.strided else t
        return measure.wide_modulus(dense)

    def global_norm(self, tensors: list[Tensor]) -> Tensor:
        """Return the norm of all tensors as one vector, on the first one's device."""
        values = [measure_values(t) for t in tensors]
        rows = on_host.table(values) if values else None
        if rows is None:
            return measure.global_norm(values)
        return torch.tensor(on_host.global_norm(rows, EUCLIDEAN), dtype=torch.float64)

    def combine(self, norms: list[Tensor]) -> Tensor:
        """Return the norm of the parts, on the first one's device."""
        return measure.combine(norms)

    def wide(self, value: Any) -> Tensor:
        """Return a float64 tensor, where there is float64."""
        if isinstance(value, Tensor):
            return value.to(measure.wide_type(value.device))
        return torch.as_tensor(value, dtype=torch.float64)

    def narrow(self, norm: Any, tensors: list[Tensor]) -> Tensor:
        """Return float32, or float64 if a tensor is."""
        if isinstance(norm, float):
            return torch.tensor(norm, dtype=torch.float64 if _double(tensors) else torch.float32)
        narrowed: Tensor = norm.to(torch.float64 if _double(tensors) else torch.float32)
        return narrowed

    def arithmetic(self, tensors: list[Tensor]) -> TorchArithmetic:
        """Return the arithmetic on the first tensor's device, rounding as `narrow` does."""
        device = tensors[0].device if tensors else torch.device("cpu")
        given = torch.float64 if _double(tensors) else torch.float32
        return TorchArithmetic(device, measure.wide_type(device), given)

    def decidable(self, norm: Any, tensors: list[Tensor]) -> tuple[Any, Arithmetic]:
        """Return a float for a norm () that is on the host, a tensor as it is."""
        if isinstance(norm, Tensor) and (norm.ndim or not measure.eager(norm)):
            return norm, self.arithmetic(tensors)
        return float(norm), _FLOATS[_double(tensors)]

    def total(
        self, norms: Tensor, tensors: list[Tensor], p: float = EUCLIDEAN
    ) -> tuple[Any, Arithmetic]:
        """Return the p-norm of all tensors, a float if it is on the host."""
        if p == EUCLIDEAN and measure.short(norms):  # no tensor is made of what a float tells
            return hypotenuse(norms.tolist()), _FLOATS[_double(tensors)]
        return self.decidable(self.norm(norms, None, p), tensors)

    def blank(self, shape: tuple[int, ...], tensors: list[Tensor]) -> Tensor:
        """Return zeros on the first tensor's device."""
        device = tensors[0].device if tensors else torch.device("cpu")
        return torch.zeros(shape, dtype=measure.wide_type(device), device=device)

    def take(self, vector: Tensor, indices: Any) -> Tensor:
        """Return some entries."""
        if isinstance(indices, int):
            return vector[indices]
        return vector[_places(tuple(indices), vector.device)]

    def stack(self, scalars: list[Any]) -> Tensor:
        """Return a vector, on the device of the first tensor among the scalars."""
        first = next((x for x in scalars if isinstance(x, Tensor)), None)
        if first is None:
            return torch.tensor(scalars, dtype=torch.float64)
        return torch.stack([scalar(x, first.dtype, first.device) for x in scalars])

    def reshape(self, array: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the tensor in another shape."""
        return array.reshape(shape)

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
        at_once = factor.ndim == 0 and measure.eager(factor) and not factor.requires_grad
        if not at_once or float(factor) in {0.0, 1.0} or on_host.table(tensors) is None:
            return [apply.rescale(t, factor) for t in tensors]
        copies = [t.clone() for t in tensors]
        apply.rescale_(copies, factor)
        return copies

    def rescale_each(self, tensors: list[Tensor | None], factors: Tensor) -> list[Tensor | None]:
        """Multiply each by its own factor."""
        pairs = zip(tensors, factors, strict=True)
        return [None if t is None else apply.rescale(t, factor) for t, factor in pairs]

    def select(self, condition: Tensor, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """Return one of two lists."""
        return [torch.where(condition.to(a.device), a, b) for a, b in zip(x, y, strict=True)]

    def zero_where(self, tensors: list[Tensor], conditions: list[Tensor]) -> list[Tensor]:
        """Return zeros in place of those whose condition holds."""
        pairs = zip(tensors, conditions, strict=True)
        return [apply.rescale(t, torch.where(bad, 0.0, 1.0)) for t, bad in pairs]


def _whole_norm(values: Tensor, p: float) -> Tensor:
    """Return the wide p-norm of all entries, read by the C library where it can."""
    known = on_host.norms([values], p)
    if known is not None:
        return known[0]
    return measure.norm(values) if p == EUCLIDEAN else measure.p_norm([values], p)


def measure_values(tensor: Tensor) -> Tensor:
    """Return the entries that count for a norm: of a sparse tensor, those of its merged rows."""
    if tensor.layout == torch.sparse_coo:
        return tensor.coalesce().values()
    return apply.values_of(tensor)


def _in_place(vector: Tensor, tensors: list[Tensor | None]) -> Tensor:
    """Return the entries of those tensors that there are, with 0 in place of None."""
    places = tuple(i for i, t in enumerate(tensors) if t is not None)
    blank = vector.new_zeros(len(tensors))
    return blank.index_copy(0, _places(places, vector.device), vector)


def _places(indices: tuple[int, ...], device: torch.device) -> Tensor:
    """Return indices on a device, sent there once: who sends them waits for the device."""
    if device.type == "cpu" or torch.compiler.is_compiling():
        return torch.tensor(indices, dtype=torch.int64, device=device)
    return _sent_places(indices, device)


@functools.lru_cache(maxsize=64)
def _sent_places(indices: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(indices, dtype=torch.int64, device=device)


def _double(tensors: list[Tensor]) -> bool:
    """Tell whether users get the norm of these tensors in float64."""
    return not _DOUBLE.isdisjoint({t.dtype for t in tensors})
