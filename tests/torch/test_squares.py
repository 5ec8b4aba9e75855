"""Norms on the CPU: right for every length, scale and type, by rows as by float64."""

import math

import pytest

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper, measure  # noqa: E402 - after the check for torch
from gradclip.torch.squares import hypotenuse, norms_on_host  # noqa: E402

pytestmark = pytest.mark.torch
LENGTHS = [1, 63, 64, 65, 8192, 8193, 100_003, 1 << 20]
TYPES = [torch.float32, torch.bfloat16, torch.float16]


def exact(tensor):
    """The norm in float64 after an exact scaling, summed by math.fsum."""
    entries = tensor.to(torch.float64).flatten().tolist()
    largest = max(map(abs, entries), default=0.0) or 1.0
    return largest * math.sqrt(math.fsum((x / largest) ** 2 for x in entries))


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("length", LENGTHS)
def test_norms_of_equal_and_of_random_entries_do_not_drift(length, dtype):
    torch.manual_seed(length)
    for tensor in (torch.full((length,), 0.1), torch.randn(length), torch.randn(length).exp()):
        cast = tensor.to(dtype)
        assert norms_on_host([cast])[0] == pytest.approx(exact(cast), rel=3e-7)


@pytest.mark.parametrize("scale", [1e25, 1e18, 1e-10, 1e-17, 1e-25, 1e-38, 1e-44])
@pytest.mark.parametrize("length", [100, 10_001])
def test_squares_beyond_float32_count(scale, length):
    torch.manual_seed(0)
    tensor = scale * torch.randn(length, dtype=torch.float64)
    cast = tensor.to(torch.float32)
    assert norms_on_host([cast])[0] == pytest.approx(exact(cast), rel=1e-6)


def test_a_few_large_entries_outweigh_many_that_are_too_small_to_square():
    tensor = torch.full((100_000,), 1e-25)
    tensor[::1000] = 1e-15
    assert norms_on_host([tensor])[0] == pytest.approx(exact(tensor), rel=1e-6)


@pytest.mark.parametrize("length", [100, 10_001])
def test_zeros_and_what_is_not_finite(length):
    tensor = torch.zeros(length)
    assert norms_on_host([tensor]) == [0.0]
    tensor[-1] = math.inf
    assert norms_on_host([tensor]) == [math.inf]
    tensor[0] = math.nan
    assert math.isnan(norms_on_host([tensor])[0])


def test_tensors_of_all_kinds_are_measured_together():
    tensors = [
        torch.full((3,), 2.0),
        torch.ones(100, 100).T,
        torch.zeros(0),
        torch.tensor(5.0, dtype=torch.bfloat16),
        torch.full((2,), 3.0, dtype=torch.float64),
        torch.tensor([3.0 + 4.0j]),
    ]
    norms = measure.norms(tensors).tolist()
    assert norms == pytest.approx([12**0.5, 100.0, 0.0, 5.0, 18**0.5, 5.0])
    assert measure.norms(tensors[:4]).tolist() == pytest.approx(norms[:4])


def test_numbers_of_any_size_are_combined():
    assert hypotenuse([3e300, 4e300]) == pytest.approx(5e300)
    assert hypotenuse([]) == 0.0
    assert hypotenuse([math.inf, 1.0]) == math.inf
    assert math.isnan(hypotenuse([math.inf, math.nan]))


@pytest.mark.parametrize("policy", ["global-norm=1", "norm=1"])
@pytest.mark.parametrize("dtype", [*TYPES, torch.float64], ids=str)
def test_clipping_in_place_reaches_the_limit_in_every_type(policy, dtype):
    torch.manual_seed(0)
    shapes = [(300, 70), (8,), (1,)]
    parameters = [torch.nn.Parameter(torch.zeros(s, dtype=dtype)) for s in shapes]
    for p in parameters:
        p.grad = (7 * torch.randn(p.shape)).to(dtype)
    before = [p.grad.clone().double() for p in parameters]
    report = Clipper(policy).clip_(parameters)
    factors = [1 / report.norm_before] * 3
    if policy == "norm=1":
        factors = [min(1.0, 1 / exact(g)) for g in before]
    error = {torch.float64: 1e-14, torch.float32: 2e-7}.get(dtype, torch.finfo(dtype).eps)
    for p, gradient, factor in zip(parameters, before, factors, strict=True):
        least = torch.finfo(dtype).smallest_normal * error
        assert torch.allclose(p.grad.double(), gradient * factor, rtol=error, atol=least)


def test_factors_below_float32s_normal_numbers_keep_their_digits():
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3e30, 4e30])
    Clipper("global-norm=1e-9").clip_([p])
    assert torch.allclose(p.grad, torch.tensor([0.6e-9, 0.8e-9]), rtol=1e-6)
