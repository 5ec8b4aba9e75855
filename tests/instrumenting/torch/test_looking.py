"""Looks at gradients, step after step, against PyTorch's own norms in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gradclip.instrumenting.torch.looking import Looks
from gradclip.instrumenting.torch.seen import LARGEST, NONFINITE, NORMS, ZEROS


def parameters() -> list[Tensor]:
    return [torch.nn.Parameter(torch.ones(shape)) for shape in ((3, 4), (5,), (5,))]


def fill(parameters: list[Tensor], step: int) -> None:
    """Give parameters new gradients, other memory each time."""
    generator = torch.Generator().manual_seed(step)
    for p in parameters:
        p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        p.grad.view(-1)[step % p.numel()] = 0.0


def none(parameters: list[Tensor]) -> None:
    parameters[1].grad = None


def shared(parameters: list[Tensor]) -> None:
    parameters[2].grad = parameters[1].grad


def sparse(parameters: list[Tensor]) -> None:
    assert parameters[0].grad is not None
    parameters[0].grad = parameters[0].grad.to_sparse()


def transposed(parameters: list[Tensor]) -> None:
    parameters[0].grad = torch.randn(4, 3).t()


def with_gaps(parameters: list[Tensor]) -> None:
    parameters[0].grad = torch.randn(3, 8)[:, ::2]


def narrow(parameters: list[Tensor]) -> None:
    for p in parameters:
        assert p.grad is not None
        gradient, p.grad = p.grad, None
        p.data = p.data.half()
        p.grad = gradient.half()


def longer(parameters: list[Tensor]) -> None:
    parameters[1].grad = None
    parameters[1].data = torch.ones(9)
    parameters[1].grad = torch.randn(9)


def nonfinite(parameters: list[Tensor]) -> None:
    assert parameters[1].grad is not None
    parameters[1].grad[0] = math.inf


def differentiable(parameters: list[Tensor]) -> None:
    assert parameters[1].grad is not None
    parameters[1].grad.requires_grad_()


@pytest.mark.parametrize(
    "change",
    [none, shared, sparse, transposed, with_gaps, narrow, longer, nonfinite, differentiable],
)
def test_whatever_gradients_become_between_two_looks_they_are_seen(
    change: Callable[[list[Tensor]], None],
) -> None:
    weights = parameters()
    looks = Looks(weights)
    for step in range(3):
        fill(weights, step)
        seen_are(looks, weights)
    change(weights)
    seen_are(looks, weights)
    fill(weights, 7)
    seen_are(looks, weights)


def seen_are(looks: Looks, weights: list[Tensor]) -> None:
    """Compare what is seen with what there is; of a gradient that two have, the first counts."""
    seen = looks.look()
    known: set[int] = set()
    for i, p in enumerate(weights):
        entries = np.zeros(0)
        if p.grad is not None and id(p.grad) not in known:
            known.add(id(p.grad))
            dense = p.grad.detach().to_dense() if p.grad.is_sparse else p.grad.detach()
            entries = dense.double().numpy()
        largest = abs(entries).max() if entries.size else 0.0
        assert seen.column(NORMS)[i] == pytest.approx(np.sqrt((entries**2).sum()), rel=1e-6)
        assert seen.column(LARGEST)[i] == pytest.approx(largest)
        assert seen.column(NONFINITE)[i] == (~np.isfinite(entries)).sum()
        stored = entries[entries != 0] if p.grad is not None and p.grad.is_sparse else entries
        assert seen.column(ZEROS)[i] == (stored == 0).sum()
