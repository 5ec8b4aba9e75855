"""Gradients clipped in place by a policy that the caller calls."""

import pytest

import gradclip

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch


def parameter(*gradient):
    p = torch.nn.Parameter(torch.zeros(len(gradient)))
    p.grad = torch.tensor(gradient)
    return p


@pytest.mark.parametrize(
    ("policy", "clipped"),
    [
        ("global-norm=1", ([0.6], [0.8, 0.0])),
        ("norm=1", ([1.0], [1.0, 0.0])),
        ("value=2", ([2.0], [2.0, 0.0])),
        ("global-norm=5", ([3.0], [4.0, 0.0])),
    ],
)
def test_gradients_are_clipped_in_the_tensors_that_hold_them(policy, clipped):
    p, q = parameter(3.0), parameter(4.0, 0.0)
    held = p.grad, q.grad
    Clipper(policy).clip_([p, q])
    assert p.grad is held[0]
    assert q.grad is held[1]
    for gradient, wanted in zip(held, clipped, strict=True):
        assert torch.allclose(gradient, torch.tensor(wanted))


def test_what_is_not_clipped_is_not_written():
    p, q = parameter(3.0), parameter(0.5, 0.0)
    before = p.grad._version, q.grad._version
    Clipper("norm=1").clip_([p, q])
    assert p.grad._version == before[0] + 1
    assert q.grad._version == before[1]


@pytest.mark.parametrize(
    "given",
    [
        lambda m: m.named_parameters(),
        lambda m: dict(m.named_parameters()),
        lambda m: list(m.named_parameters()) * 2,
    ],
)
def test_names_come_with_the_parameters(given):
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    report = Clipper("norm=1").clip_(given(model))
    assert report.names == ("weight", "bias")
    assert report.parts() == {"weight": (pytest.approx(2**0.5), 1.0), "bias": (1.0, 1.0)}


def test_a_gradient_that_two_parameters_share_counts_and_is_scaled_once():
    p, q = parameter(3.0, 4.0), parameter(0.0, 0.0)
    q.grad = p.grad
    report = Clipper("global-norm=2.5").clip_([p, q])
    assert report.norm_before == 5.0
    assert torch.equal(q.grad, torch.tensor([1.5, 2.0]))


def test_a_users_function_may_replace_gradients():
    p, q = parameter(3.0), parameter(4.0)
    held = p.grad
    Clipper(lambda gradients: [gradients[0] / 2, None]).clip_([p, q])
    assert p.grad is held
    assert p.grad.item() == 1.5
    assert q.grad is None


def test_a_skipped_step_has_zeros_for_gradients():
    p, q = parameter(3.0), parameter(float("nan"))
    clipper = Clipper(gradclip.GlobalNorm(1.0))
    assert clipper.clip_([p, q]).skipped is True
    assert (p.grad.item(), q.grad.item()) == (0.0, 0.0)
    assert clipper.skipped_steps == 1
