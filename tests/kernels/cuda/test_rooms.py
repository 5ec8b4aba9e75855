"""What users call goes through the kernels where they can read the gradients."""

import math

import pytest
import torch
from tests.kernels.cuda.oracle import exact_norm

import gradclip
from gradclip.kernels import cuda
from gradclip.torch import amp, apply, attach, measure, on_device


@pytest.fixture
def passes(monkeypatch, device):
    """The names of the passes that were started."""
    on_device.norms([torch.ones(1, device=device)], 2.0)  # the first launch of all is a trial
    started = []
    for name in ("measure", "finish", "scale"):
        own = getattr(cuda, name)

        def start(*args, _own=own, _name=name, **options):
            started.append(_name)
            _own(*args, **options)

        monkeypatch.setattr(cuda, name, start)
    return started


def gradients(device):
    generator = torch.Generator().manual_seed(0)
    shapes = [(30, 4), (), (7,), (200,)]
    return [torch.randn(shape, generator=generator).to(device) * 3 for shape in shapes]


def parameters(device):
    made = []
    for gradient in gradients(device):
        made.append(torch.nn.Parameter(torch.zeros_like(gradient)))
        made[-1].grad = gradient
    return made


def test_a_clip_is_three_launches(device, passes):
    owners = parameters(device)
    before = exact_norm(torch.cat([p.grad.reshape(-1) for p in owners]))
    norm = gradclip.torch.clip_grad_norm_(owners, 1.0)
    assert passes == ["measure", "finish", "scale"]
    assert norm.dtype == torch.float32
    assert float(norm) == pytest.approx(before, rel=1e-6)
    after = exact_norm(torch.cat([p.grad.reshape(-1) for p in owners]))
    assert after == pytest.approx(1.0, rel=5e-7)


def test_measuring_alone_is_two(device, passes):
    gradclip.torch.clip_grad_norm_(parameters(device), math.inf)
    gradclip.torch.get_total_norm(gradients(device))
    assert passes == ["measure", "finish"] * 2


def test_the_largest_magnitude_as_norm(device, passes):
    owners = parameters(device)
    largest = max(float(p.grad.abs().max()) for p in owners)
    assert float(gradclip.torch.clip_grad_norm_(owners, 1.0, math.inf)) == largest
    assert passes == ["measure", "finish", "scale"]
    assert max(float(p.grad.abs().max()) for p in owners) == pytest.approx(1.0)


def test_a_gradient_that_two_parameters_share_is_scaled_once(device):
    shared = torch.tensor([3.0, 4.0], device=device)
    owners = [torch.nn.Parameter(torch.zeros(2, device=device)) for _ in range(2)]
    for p in owners:
        p.grad = shared
    gradclip.torch.clip_grad_norm_(owners, 2.5)
    assert shared.tolist() == [1.5, 2.0]


def test_statistics_are_one_pass(device, passes):
    tensors = gradients(device)
    tensors[2][:3] = 0
    found = gradclip.torch.gradient_statistics([*tensors, None])
    assert passes == ["measure", "finish"]
    assert found.zeros.tolist() == [0, 0, 3, 0, 0]
    assert found.largest.tolist() == [*(float(t.abs().max()) for t in tensors), 0.0]
    assert found.norms.dtype == torch.float32


@pytest.mark.filterwarnings("ignore:SGD cannot drop")  # without waiting for a GPU
@pytest.mark.parametrize("policy", ["global-norm=1", "norm=1", "zclip"])
def test_policies_measure_and_scale_in_one_pass_each(device, passes, policy, monkeypatch):
    monkeypatch.setattr(apply, "eager", lambda _: False)  # as on a device
    p = torch.nn.Parameter(torch.zeros(50, device=device))
    optimizer = torch.optim.SGD([p], lr=0.1)
    with attach(optimizer, policy):
        p.grad = torch.ones(50, device=device)
        optimizer.step()
    assert set(passes) <= {"measure", "finish", "scale"}
    assert passes[:2] == ["measure", "finish"]


def test_tensors_are_scaled_by_a_factor_on_the_device(device, passes, monkeypatch):
    monkeypatch.setattr(apply, "eager", lambda _: False)
    tensors = [torch.full((2,), 2.0, device=device) for _ in range(3)]
    apply.rescale_(tensors, torch.tensor(0.5, dtype=torch.float64, device=device))
    each = torch.tensor([0.5, 9.0, 1.0, 0.0], dtype=torch.float64, device=device)
    apply.rescale_each_([tensors[0], None, *tensors[1:]], each)
    assert passes == ["scale", "scale"]
    assert [t.tolist() for t in tensors] == [[0.5, 0.5], [1.0, 1.0], [0.0, 0.0]]


def test_what_the_kernels_cannot_read_goes_the_other_way(device, passes):
    doubles = [t.double() for t in gradients(device)]
    assert on_device.clip(doubles, 1.0, 2.0) is None
    assert float(gradclip.torch.get_total_norm(doubles)) > 0
    assert passes == []


@pytest.mark.filterwarnings("ignore:SGD cannot drop")  # where it is not fused
def test_a_fused_step_folds_what_no_host_has_seen_if_it_divides_anyway(device, monkeypatch, passes):
    for module in (measure, apply, amp):
        monkeypatch.setattr(module, "eager", lambda _: False)
    ended = []
    for fused, loss_scale in ((True, 4.0), (True, None), (False, None)):
        owners = parameters(device)
        optimizer = torch.optim.SGD(owners, lr=0.1, momentum=0.9, fused=fused)
        attach(optimizer, "global-norm=1")
        seen = []
        optimizer.register_step_pre_hook(
            lambda given, *_, seen=seen: seen.append(getattr(given, "grad_scale", None))
        )
        given = None if loss_scale is None else torch.full((), loss_scale, device=device)
        for factor in (1.0, 1e-3, 1e36):  # clips, does not, by more than float32 can divide by
            for p, g in zip(owners, gradients(device), strict=True):
                p.grad = g * factor * (loss_scale or 1.0)
            if given is not None:  # as a GradScaler does
                optimizer.grad_scale, optimizer.found_inf = given, torch.zeros((), device=device)
            optimizer.step()
            assert getattr(optimizer, "grad_scale", None) is given
        assert all((scale is not None) == (given is not None) for scale in seen)
        assert all(scale is not given for scale in seen if scale is not None)
        ended.append(torch.cat([x.detach().reshape(-1) for p in owners for x in (p, p.grad)]))
    for other in ended[:2]:
        torch.testing.assert_close(other, ended[2], rtol=2e-6, atol=1e-7)
