"""The decision on the device is the core's."""

import math

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.kernels.cuda.oracle import both_nan

from gradclip.core.decide import decide
from gradclip.core.floats import Floats
from gradclip.torch import on_device

NORMS = [0.0, 1e-30, 0.5, 1.0, 5.0, 1e30, math.inf, math.nan]
LIMITS = [0.0, 1e-30, 1e-6, 0.3, 1.0, 1.0 + 1e-9, 5.0, 1e30, math.inf]


def same(x, y):
    """Squares of float32 are rounded, which the factor inherits."""
    return x == pytest.approx(y, rel=1e-7) or both_nan(x, y)


@pytest.mark.parametrize("norm", NORMS)
def test_numbers_as_limits(device, norm):
    entries = torch.tensor([norm, 0.0], device=device)
    wide = float(entries[0].double())
    for limit in LIMITS:
        found = on_device.decide([entries], limit)
        assert same(float(found.factor), decide(wide, limit, "propagate", Floats())), limit
        assert same(float(found.norm), wide)


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(st.floats(0, 2.0**126, width=32), st.floats(width=32))
def test_tensors_as_limits(device, norm, limit):
    entries = torch.tensor([norm], device=device)
    found = on_device.decide([entries], torch.tensor(limit, device=device))
    expected = decide(norm, limit, "propagate", Floats()) if limit >= 0 else math.nan
    assert same(float(found.factor), expected)


def test_the_factor_is_one_over_the_inverse(device):
    found = on_device.decide([torch.tensor([3.0, 4.0], device=device)], 1.0)
    assert float(found.factor) == 0.2
    assert float(found.inverse_factor) == 5.0
    assert float(found.found_inf) == 0.0
    assert found.inverse_factor.dtype == found.found_inf.dtype == torch.float32
    assert found.inverse_factor.shape == found.found_inf.shape == ()


def test_at_the_limit_the_factor_is_exactly_one(device):
    found = on_device.decide([torch.tensor([3.0, 4.0], device=device)], 5.0)
    assert float(found.factor) == float(found.inverse_factor) == 1.0


def test_the_norm_of_a_scaled_loss_s_gradients(device):
    gradients = [torch.tensor([3.0, 4.0], device=device) * 1024]
    unit = torch.tensor(1 / 1024, device=device)
    found = on_device.decide(gradients, 1.0, unit=unit)
    assert float(found.norm) == 5.0
    assert float(found.factor) == 0.2


def test_the_largest_magnitude_as_norm(device):
    found = on_device.decide([torch.tensor([3.0, -4.0], device=device)], 1.0, p=math.inf)
    assert float(found.norm) == 4.0
    assert float(found.factor) == 0.25


def test_other_norms_are_left_to_others(device):
    assert on_device.decide([torch.ones(2, device=device)], 1.0, p=1.0) is None


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_a_fused_optimizer_clips_by_the_inverse_factor(device, kind):
    def step(fold):
        p = torch.nn.Parameter(torch.tensor([1.0, 2.0], device=device))
        optimizer = kind([p], lr=0.1, fused=True)
        for values in ([3.0, 4.0], [0.1, 0.2], [30.0, math.nan]):
            p.grad = torch.tensor(values, device=device)
            found = on_device.decide([p.grad], 1.0)
            if fold:
                optimizer.grad_scale, optimizer.found_inf = found.inverse_factor, found.found_inf
            elif not found.found_inf:
                p.grad *= found.factor
            if fold or not found.found_inf:
                optimizer.step()
        return p.detach()

    assert torch.allclose(step(fold=True), step(fold=False), rtol=1e-6)
