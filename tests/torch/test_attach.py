"""A policy attached to an optimizer, on small trainings."""

import math

import pytest

import gradclip
from gradclip.errors import ConfigurationError, NonFiniteGradientError

torch = pytest.importorskip("torch")
from gradclip.torch import attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))


def batches(steps=5):
    generator = torch.Generator().manual_seed(1)
    return [10 * torch.randn(6, 4, generator=generator) for _ in range(steps)]


def train(model, optimizer, clip=lambda: None, steps=5):
    for batch in batches(steps):
        optimizer.zero_grad()
        model(batch).square().sum().backward()
        clip()
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.Adagrad])
def test_training_is_the_same_as_with_pytorchs_clipping_by_hand(kind):
    ours, theirs = network(), network()
    attach(optimizer := kind(ours.parameters(), lr=0.01), gradclip.GlobalNorm(1.0))
    got = train(ours, optimizer)
    parameters = list(theirs.parameters())
    wanted = train(
        theirs,
        kind(parameters, lr=0.01),
        lambda: torch.nn.utils.clip_grad_norm_(parameters, 1.0),
    )
    assert torch.allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_a_dropped_step_changes_neither_parameters_nor_the_optimizers_state():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([p], lr=0.1)
    attached = attach(optimizer, "global-norm=1")
    p.grad = torch.tensor([1.0, 2.0])
    optimizer.step()
    before, state = p.detach().clone(), optimizer.state[p]["exp_avg"].clone()
    p.grad = bad = torch.tensor([1.0, math.nan])
    optimizer.step()
    assert torch.equal(p, before)
    assert torch.equal(optimizer.state[p]["exp_avg"], state)
    assert optimizer.state[p]["step"] == 1
    assert p.grad is bad
    assert attached.report.skipped is True
    assert (attached.skipped_steps, attached.skipped_in_a_row) == (1, 1)


def test_a_run_that_no_longer_learns_is_stopped():
    p = torch.nn.Parameter(torch.ones(2))
    attach(optimizer := torch.optim.SGD([p]), "norm=1", max_skipped=2)
    p.grad = torch.tensor([1.0, math.inf])
    optimizer.step()
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        optimizer.step()


def test_a_second_policy_is_refused_until_the_first_is_detached():
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([p], lr=1.0)
    attached = attach(optimizer, "norm=1")
    with pytest.raises(ConfigurationError, match=r"one policy, got a second.*Norm\(max_norm=1.0"):
        attach(optimizer, "norm=2")
    attached.detach()
    with attach(optimizer, "norm=2.5"):
        p.grad = torch.tensor([3.0, 4.0])
        optimizer.step()
    assert torch.equal(p.data, torch.tensor([1.5, 2.0]))
    p.grad = torch.tensor([3.0, 4.0])
    optimizer.step()
    assert torch.equal(p.data, torch.tensor([-1.5, -2.0]))


def test_gradients_of_a_closure_are_clipped_at_each_evaluation():
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([p], lr=1.0)
    attach(optimizer, "norm=1")

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum() / 2
        loss.backward()
        return loss

    assert optimizer.step(closure) == 12.5
    assert torch.allclose(p.data, torch.tensor([2.4, 3.2]))
    optimizer.step(closure=closure)
    assert torch.allclose(p.data, torch.tensor([1.8, 2.4]))


def test_parameters_are_called_what_the_model_calls_them():
    model = network()
    optimizer = torch.optim.SGD(model.parameters())
    attached = attach(optimizer, "norm=1", model)
    train(model, optimizer, steps=1)
    assert attached.report.names == ("0.weight", "0.bias", "2.weight", "2.bias")


def test_without_a_model_parameters_are_called_by_their_places():
    first, last = network()[0], network()[2]
    groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": 0.1}]
    attached = attach(optimizer := torch.optim.SGD(groups), "norm=1")
    first(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert attached.report.names[1:] == ("group0.param1", "group1.param0", "group1.param1")
