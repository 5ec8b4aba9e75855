"""PyTorch's `clip_grad_norm_`, and gradclip's."""

from types import ModuleType

import ml_dtypes
import numpy as np
import torch

import gradclip.torch
from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import NotOfferedError, Outcome, Subject


class Torch(Subject):
    """`torch.nn.utils`: gradients are those of parameters, clipped in place."""

    module: ModuleType = torch.nn.utils

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        parameters = [_parameter(array) for array in arrays]
        norm = self.module.clip_grad_norm_(parameters, limit)
        return Outcome(float(norm), [_array(p.grad) for p in parameters])

    def clip_rows(self, values: Array, limit: float) -> Outcome:
        weight = torch.nn.Parameter(torch.zeros(4, 1))
        indices = torch.ones(1, len(values), dtype=torch.int64)
        weight.grad = torch.sparse_coo_tensor(
            indices, torch.from_numpy(values), (4, 1), check_invariants=False
        )
        norm = self.module.clip_grad_norm_([weight], limit)
        return Outcome(float(norm), [_array(weight.grad.to_dense())])

    def clip_tied(self, array: Array, limit: float) -> Outcome:
        weight = _parameter(array)
        norm = self.module.clip_grad_norm_([weight, weight], limit)
        return Outcome(float(norm), [_array(weight.grad)])


class GradclipTorch(Torch):
    """`gradclip.torch`."""

    module = gradclip.torch

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return Outcome(None, [_array(gradclip.torch.clip_by_norm(_tensor(array), limit))])

    def derivative(self, array: Array, limit: float) -> Array:
        x = _tensor(array).requires_grad_()
        gradclip.torch.clip_by_norm(x, limit).sum().backward()
        slope = _array(x.grad)
        if slope is None:
            raise NotOfferedError
        return slope


def _parameter(array: Array | None) -> torch.nn.Parameter:
    if array is None:
        return torch.nn.Parameter(torch.zeros(1))
    gradient = _tensor(array)
    parameter = torch.nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient
    return parameter


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def _array(tensor: torch.Tensor | None) -> Array | None:
    if tensor is None:
        return None
    if tensor.dtype == torch.bfloat16:
        array: Array = tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        return array
    return tensor.detach().numpy()


SUBJECTS = {"torch eager": Torch, "gradclip torch eager": GradclipTorch}
