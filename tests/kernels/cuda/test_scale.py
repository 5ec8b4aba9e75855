"""Tensors multiplied in place."""

import math

import pytest
import torch
from tests.kernels.cuda.oracle import DTYPES, draw

from gradclip.kernels import cuda
from gradclip.torch.device_table import table

LENGTHS = [0, 1, 2047, 2048, 2049, cuda.CHUNK + 5]


def wide(*factors, device):
    vector = torch.tensor(factors, dtype=torch.float64, device=device)
    return vector[0] if len(factors) == 1 else vector


def right(result, product, dtype):
    """The interpreter cuts off bits of bfloat16, where a GPU rounds to the nearest."""
    if dtype == torch.bfloat16 and cuda.interpreted():
        return torch.allclose(result.float(), product, rtol=2.0**-7, atol=0)
    return torch.equal(result, product.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [0.3, 1e-3, 0.99999])
def test_one_factor_for_all(device, dtype, factor):
    tensors = [draw(n, dtype, device, seed=n) for n in LENGTHS]
    before = [t.clone() for t in tensors]
    table(tensors).scale(wide(factor, device=device))
    for t, old in zip(tensors, before, strict=True):
        assert right(t, old.float() * torch.tensor(factor, device=device), dtype)


def test_a_factor_for_each(device):
    tensors = [torch.full((3,), 2.0, device=device) for _ in range(4)]
    table([tensors[0], None, *tensors[1:]]).scale(wide(0.5, 7.0, 1.0, 0.0, math.nan, device=device))
    assert [t.tolist() for t in tensors[:3]] == [[1.0] * 3, [2.0] * 3, [0.0] * 3]
    assert tensors[3].isnan().all()


def test_one_leaves_the_bits_alone(device):
    bits = torch.tensor([1, 0x7FC00001, -0x80000000, 0x7F800000], dtype=torch.int32, device=device)
    entries = bits.clone().view(torch.float32)
    table([entries]).scale(wide(1.0, device=device))
    assert torch.equal(entries.view(torch.int32), bits)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_gives_zeros_of_inf_and_nan_too(device, dtype):
    entries = torch.tensor([1.0, math.inf, -math.inf, math.nan], device=device).to(dtype)
    table([entries]).scale(wide(0.0, device=device))
    assert entries.tolist() == [0.0] * 4


def test_nan_gives_nan(device):
    entries = torch.tensor([0.0, 1.0, math.inf], device=device)
    table([entries]).scale(wide(math.nan, device=device))
    assert entries.isnan().all()


@pytest.mark.parametrize("factor", [1e-38, 1e-40, 1e-44, 1e-60])
def test_factors_too_small_for_float32(device, factor):
    entries = torch.tensor([3e38, -1e30, 1.0, 0.0], device=device)
    expected = (entries.double() * factor).float()
    table([entries]).scale(wide(factor, device=device))
    assert torch.allclose(entries, expected, rtol=2e-7, atol=1.5e-45)


def test_denormals_are_not_flushed(device):
    entries = torch.tensor([4e-45, -1e-40], device=device)
    table([entries]).scale(wide(0.5, device=device))
    assert torch.equal(entries, torch.tensor([4e-45, -1e-40], device=device) * 0.5)


def test_what_lies_beside_is_not_touched(device):
    whole = torch.ones(70_000, device=device)
    table([whole[1:-1]]).scale(wide(0.5, device=device))
    assert whole[[0, -1]].tolist() == [1.0, 1.0]
    assert bool((whole[1:-1] == 0.5).all())


def test_dense_tensors_in_any_order_of_axes(device):
    image = draw(120, torch.float32, device).reshape(2, 3, 4, 5)
    image = image.to(memory_format=torch.channels_last)
    expected = image * 0.5
    table([image]).scale(wide(0.5, device=device))
    assert torch.equal(image, expected)


def test_autograd_is_told(device):
    entries = torch.ones(3, device=device)
    version = entries._version
    table([entries]).scale(wide(0.5, device=device))
    assert entries._version == version + 1
