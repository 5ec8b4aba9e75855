"""Decisions that stay tensors, as on an accelerator: here on the CPU, whose values nobody reads."""

import math

import pytest

import gradclip
from gradclip.errors import NonFiniteGradientError

torch = pytest.importorskip("torch")
from gradclip.torch import (  # noqa: E402 - after the check for torch
    Clipper,
    amp,
    apply,
    attach,
    measure,
    on_host,
    updates,
)

pytestmark = pytest.mark.torch
POLICIES = [
    gradclip.GlobalNorm(1.0),
    gradclip.Norm(1.0),
    gradclip.Value(0.5),
    gradclip.AdaptiveGradientClipping(0.1),
    gradclip.AutoClip(window=3),
    gradclip.ZClip(warmup=2),
    gradclip.AdaGC(warmup=2),
    gradclip.SPAM(threshold=2.0, decay=0.5, warmup=1, reset_every=3),
    gradclip.Chain(gradclip.Value(2.0), gradclip.ZClip(warmup=2)),
    gradclip.PerGroup({"weight": gradclip.AutoClip(window=3), "*": None}),
    gradclip.Clip(limit=gradclip.Percentile(window=3), granularity="layer", action="clamp"),
]


@pytest.fixture
def unseen(monkeypatch):
    """Make every tensor one whose value cannot be looked at without waiting."""
    for module in (measure, apply, amp, updates):
        monkeypatch.setattr(module, "eager", lambda _: False)
    monkeypatch.setattr(on_host, "table", lambda _: None)  # C reads what lies on the host


def train(kind, policy, steps=8, **options):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    optimizer = kind(model.parameters(), lr=0.01, **options)
    attached = attach(optimizer, policy, model)
    for i in range(steps):
        optimizer.zero_grad()
        (model(torch.full((3, 4), i + 1.0)).square().sum() * 10.0 ** (i % 3)).backward()
        optimizer.step()
    return model, attached


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_a_device_decides_as_the_host_does(policy, unseen, monkeypatch):
    ours, attached = train(torch.optim.AdamW, policy, fused=True)
    assert isinstance(attached.report.skipped, torch.Tensor) or attached.report.skipped is False
    on_device = attached.state_dict()
    monkeypatch.undo()
    theirs, reference = train(torch.optim.AdamW, policy, fused=True)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(p, q, rtol=1e-5, atol=1e-6)
    assert float(attached.report.norm_after) == pytest.approx(reference.report.norm_after, 1e-5)
    assert on_device["skipped"] == [0, 0]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.Adagrad])
def test_a_fused_optimizer_drops_a_step_on_the_device(kind, unseen):
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = kind([p], lr=0.1, weight_decay=0.1, fused=True)
    attached = attach(optimizer, "global-norm=1")
    p.grad = torch.ones(3)
    optimizer.step()
    before = p.detach().clone()
    state = {k: v.clone() for k, v in optimizer.state[p].items() if isinstance(v, torch.Tensor)}
    p.grad = torch.tensor([1.0, math.nan, 2.0])
    optimizer.step()
    assert torch.equal(p, before)
    assert all(torch.equal(optimizer.state[p][k], v) for k, v in state.items())
    assert bool(attached.report.skipped)
    assert (attached.skipped_steps, attached.skipped_in_a_row) == (1, 1)
    assert not hasattr(optimizer, "found_inf")
    p.grad = torch.ones(3)
    optimizer.step()
    assert not torch.equal(p, before)
    assert attached.skipped_in_a_row == 0


def test_others_take_the_step_with_zeros_and_it_is_said_once(unseen):
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([p], lr=0.1)
    attach(optimizer, "global-norm=1")

    def loop():
        for value in (math.nan, math.inf):
            p.grad = torch.tensor([1.0, value, 2.0])
            optimizer.step()

    with pytest.warns(UserWarning, match="SGD cannot drop a step without waiting") as seen:
        loop()
    assert len(seen) == 1
    assert p.tolist() == [1.0, 1.0, 1.0]
    assert p.grad.tolist() == [0.0, 0.0, 0.0]


def test_a_run_that_no_longer_learns_is_stopped_a_little_later(unseen):
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([p], lr=0.1, fused=True)
    attached = attach(optimizer, "zclip", max_skipped=3)
    for _ in range(3):
        p.grad = torch.tensor([1.0, math.inf])
        optimizer.step()
    with pytest.raises(NonFiniteGradientError, match="At most 3 steps in a row"):
        optimizer.step()
    assert attached.skipped_steps == 3


def test_fused_optimizers_get_gradients_without_the_scale(unseen):
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([p], lr=1.0, fused=True)
    attached = attach(optimizer, "norm=1", max_skipped=1)
    scaler = torch.amp.GradScaler("cpu")
    for gradient in ([3.0, 4.0], [torch.inf, 1.0], [30.0, 40.0]):
        optimizer.zero_grad()
        scaler.scale((p * torch.tensor(gradient)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert float(attached.report.norm_before) == 50.0
    assert torch.allclose(p.data, torch.tensor([1.8, 2.4]))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
@pytest.mark.parametrize("to_device", [True, False])
def test_a_state_moves_between_host_and_device(policy, to_device, unseen, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    gradients = [
        [torch.randn(3, 2, generator=generator) * 5.0**i, torch.randn(2, generator=generator)]
        for i in (0, 1, 0, 2, 0, 1, 0)
    ]
    weights = [torch.ones(3, 2), torch.ones(2)]
    names = ["fc.weight", "fc.bias"]
    first, second = Clipper(policy), Clipper(policy)

    def run(clipper, steps):
        return [clipper(step, weights, names) for step in steps]

    if to_device:
        with monkeypatch.context() as host:
            for module in (measure, apply):
                host.setattr(module, "eager", lambda _: True)
            run(first, gradients[:4])
    else:
        run(first, gradients[:4])
        for module in (measure, apply):
            monkeypatch.setattr(module, "eager", lambda _: True)
    second.load_state_dict(first.state_dict())
    for ours, theirs in zip(run(second, gradients[4:]), run(first, gradients[4:]), strict=True):
        for x, y in zip(ours, theirs, strict=True):
            assert torch.allclose(x, y, rtol=1e-6)
