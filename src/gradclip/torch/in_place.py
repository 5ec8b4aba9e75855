"""Gradients of parameters: read, and written in place."""

from typing import Any

import torch
from torch import Tensor

from gradclip.core.policies.batch import Batch, Known
from gradclip.torch import apply, on_host

Gradients = list[Tensor | None]


def read(parameters: list[Tensor]) -> Gradients:
    """Return the gradients of parameters; of one that two parameters share, the first alone.

    Args:
        parameters: T parameters.

    Returns:
        T gradients, None where there is none.
    """
    gradients = [p.grad for p in parameters]
    known: set[int] = set()
    for i, gradient in enumerate(gradients):
        if id(gradient) in known:
            gradients[i] = None
        elif gradient is not None:
            known.add(id(gradient))
    return gradients


def write(parameters: list[Tensor], gradients: Gradients, batch: Batch) -> None:
    """Bring the gradients of parameters to what a policy made of them.

    The tensors stay the same objects, so that whoever else holds them (a bucket of
    DistributedDataParallel, a captured graph) sees the clipped gradients. What is not clipped is
    not written.

    Args:
        parameters: T parameters.
        gradients: What `read` returned of them.
        batch: What the policy made of the gradients.
    """
    if batch.holds(gradients):
        _scale(gradients, batch.factor, batch.known)
        return
    rows = enumerate(zip(parameters, gradients, batch.tensors, strict=True))
    written: Gradients = [*gradients]
    for i, (parameter, gradient, result) in rows:
        if result is gradient:
            continue
        if gradient is None or result is None:  # a user's function may do that
            parameter.grad = written[i] = result
        else:
            gradient.copy_(result)
    _scale(written, batch.factor)


def replace(parameters: list[Tensor], gradients: Gradients, batch: Batch) -> None:
    """Give parameters what a policy made of their gradients, and leave these as they are.

    Args:
        parameters: T parameters.
        gradients: What `read` returned of them.
        batch: What the policy made of the gradients.
    """
    rows = zip(parameters, gradients, batch.settled().tensors, strict=True)
    for parameter, gradient, result in rows:
        if result is not gradient:
            parameter.grad = result


def _scale(gradients: Gradients, factor: Any, known: Known | None = None) -> None:
    """Multiply gradients by a factor, () or (T,), in place."""
    rows = None if known is None or known.look is None else known.look.rows
    if isinstance(factor, float) and rows is not None:
        assert known is not None  # it has the rows
        on_host.scale(rows, known.present, factor)
    elif isinstance(factor, Tensor) and factor.ndim:
        apply.rescale_each_(gradients, factor)
    elif isinstance(factor, Tensor) or factor != 1:
        present = [g for g in gradients if g is not None]
        apply.rescale_(present, torch.as_tensor(factor, dtype=torch.float64))
