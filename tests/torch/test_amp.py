"""Policies and GradScaler: norms are those of the gradients without the scale."""

import pytest

import gradclip

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper, attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
GRADIENT = torch.tensor([3.0, 4.0])


def scaled_step(scaler, optimizer, p, gradient=GRADIENT):
    optimizer.zero_grad()
    scaler.scale((p * gradient).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


def build(fused, policy="norm=1", **options):
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([p], lr=1.0, fused=fused)
    attached = attach(optimizer, policy, **options)
    return p, optimizer, attached, torch.amp.GradScaler("cpu", growth_interval=2)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("unscaled", [False, True])
def test_norms_are_of_unscaled_gradients(fused, unscaled):
    p, optimizer, attached, scaler = build(fused)
    scaler.scale((p * GRADIENT).sum()).backward()
    if unscaled:
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert attached.report.norm_before == 5.0
    assert torch.allclose(p.data, torch.tensor([2.4, 3.2]))
    scaled_step(scaler, optimizer, p)
    assert torch.allclose(p.data, torch.tensor([1.8, 2.4]))
    assert scaler.get_scale() == 2.0 * 65536.0


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_the_scaler_skips_are_its_own_affair(fused):
    p, optimizer, attached, scaler = build(fused, "zclip", max_skipped=2)
    for _ in range(4):  # a scale that is too large for a while is no reason to stop
        scaled_step(scaler, optimizer, p, torch.tensor([1e38, 1.0]))
    assert attached.skipped_steps == 0
    assert attached.report is None
    assert p.tolist() == [3.0, 4.0]
    assert scaler.get_scale() == 65536.0 / 2**4
    scaled_step(scaler, optimizer, p)
    assert attached.report.norm_before == 5.0
    assert p.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("fused", [False, True])
def test_a_spike_below_the_limit_of_the_scaler_is_dropped_by_the_policy(fused):
    policy = gradclip.Clip(limit=10.0, action="drop")
    p, optimizer, attached, scaler = build(fused, policy)
    scaled_step(scaler, optimizer, p, torch.tensor([30.0, 40.0]))
    assert attached.report.skipped is True
    assert p.tolist() == [3.0, 4.0]
    scaled_step(scaler, optimizer, p)
    assert p.tolist() == [0.0, 0.0]
    assert attached.skipped_steps == 1


def test_autocast_trains_as_it_does_with_clipping_by_hand():
    def train(clip_by_hand):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        scaler, clipper = torch.amp.GradScaler("cpu"), Clipper("global-norm=0.5")
        if not clip_by_hand:
            attach(optimizer, "global-norm=0.5", model)
        for i in range(5):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = model(torch.full((3, 4), float(i))).square().sum()
            scaler.scale(loss).backward()
            if clip_by_hand:
                scaler.unscale_(optimizer)
                clipper.clip_(model.parameters())
            scaler.step(optimizer)
            scaler.update()
        return torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    assert torch.equal(train(clip_by_hand=True), train(clip_by_hand=False))


def test_a_scaler_that_is_switched_off_changes_nothing():
    p, optimizer, attached, _ = build(fused=False)
    scaled_step(torch.amp.GradScaler("cpu", enabled=False), optimizer, p)
    assert attached.report.norm_before == 5.0


@pytest.mark.parametrize("way", ["attach", "clip_"])
def test_scaled_gradients_are_noticed_once(way):
    p, optimizer, attached, scaler = build(fused=False)
    clipper = Clipper("norm=1")
    if way == "clip_":
        attached.detach()

    def loop():
        for _ in range(2):
            optimizer.zero_grad()
            scaler.scale((p * GRADIENT).sum()).backward()
            if way == "clip_":
                clipper.clip_([p])
            optimizer.step()

    with pytest.warns(UserWarning, match="seem to be scaled by GradScaler's 65536 still") as seen:
        loop()
    assert len(seen) == 1


def restored(**options):
    """Return a scaler in the state of one that has been in use."""
    p, optimizer, attached, scaler = build(fused=False)
    for _ in range(3):
        scaled_step(scaler, optimizer, p)
    attached.detach()
    fresh = torch.amp.GradScaler("cpu", **options)
    fresh.load_state_dict(scaler.state_dict())
    assert fresh.state_dict()["_growth_tracker"] == 1
    return fresh


def test_scaled_gradients_of_a_restored_scaler_are_noticed():
    scaler = restored()
    p, optimizer, _, _ = build(fused=False)
    scaler.scale((p * GRADIENT).sum()).backward()
    with pytest.warns(UserWarning, match="seem to be scaled by GradScaler's 131072 still"):
        optimizer.step()


def test_a_restored_scaler_in_the_right_order_hears_nothing():
    scaler = restored()
    p, optimizer, attached, _ = build(fused=False)
    scaled_step(scaler, optimizer, p)
    assert attached.report.norm_before == 5.0


def test_another_optimizers_scaler_is_no_reason_to_warn():
    p, optimizer, _, scaler = build(fused=False)
    q = torch.nn.Parameter(torch.ones(2))
    plain = torch.optim.SGD([q], lr=0.1)
    attach(plain, "norm=1")
    scaled_step(scaler, optimizer, p)
    q.grad = torch.ones(2)
    plain.step()
