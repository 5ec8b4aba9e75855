"""Many tensors as few vectors: nothing is lost, and totals are right."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from gradclip.torch.flat import CHUNK, flat_chunks, largest_on_host  # noqa: E402 - after the check
from gradclip.torch.squares import total_on_host  # noqa: E402

pytestmark = pytest.mark.torch
TYPES = [torch.float32, torch.bfloat16, torch.float16]


def mixed():
    generator = torch.Generator().manual_seed(0)
    shapes = [(300, 70), (0,), (), (8192,), (1 << 18, 2), (8193,), (5, 5), (1 << 17,), (1 << 17,)]
    return [
        torch.randn(shape, generator=generator).to(TYPES[i % 3]) for i, shape in enumerate(shapes)
    ]


def test_every_entry_comes_once_and_in_order():
    for dtype in TYPES:
        tensors = [t.to(dtype) for t in mixed()]
        chunks = list(flat_chunks(tensors))
        small = [t.flatten().float() for t in tensors if t.numel() <= 8192]
        large = [t.flatten().float() for t in tensors if t.numel() > 8192]
        joined = torch.cat(chunks).sort().values
        assert torch.equal(joined, torch.cat(small + large).sort().values)
        assert {chunk.dtype for chunk in chunks} == {torch.float32}


def test_copies_stay_small():
    tensors = [torch.ones(8000)] * 100 + [torch.ones(1 << 20, dtype=torch.bfloat16)]
    assert max(chunk.numel() for chunk in flat_chunks(tensors)) <= CHUNK


def test_totals_of_tensors_of_all_types():
    exact = math.sqrt(math.fsum(float(t.double().square().sum()) for t in mixed()))
    assert total_on_host(mixed()) == pytest.approx(exact, rel=5e-7)
    assert largest_on_host(mixed()) == max(float(t.abs().max()) for t in mixed() if t.numel())


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3, 0.999, 1e-5, 12345.678])
@pytest.mark.parametrize("length", [1000, 8192, 200_000, 3_000_000])
def test_no_number_of_equal_entries_drifts(length, value):
    tensors = [torch.full((length,), value)] * 3
    exact = float(tensors[0][0]) * math.sqrt(3 * length)
    assert total_on_host(tensors) == pytest.approx(exact, rel=5e-7)


@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_what_float32_cannot_square_is_left_to_others(scale):
    assert total_on_host([torch.full((10,), scale), torch.full((9000,), scale)]) is None


@pytest.mark.parametrize("length", [3, 9000])
def test_what_is_not_finite_is_said(length):
    tensor = torch.zeros(length)
    tensor[1] = -math.inf
    assert total_on_host([tensor, torch.ones(2)]) is None
    assert largest_on_host([tensor, torch.ones(2)]) == math.inf
    tensor[2] = math.nan
    assert math.isnan(largest_on_host([torch.ones(9000), tensor, torch.ones(2)]))


@given(
    st.lists(
        st.lists(st.floats(-(2.0**50), 2.0**50, width=32), max_size=20), min_size=1, max_size=5
    )
)
def test_any_lists(lists):
    tensors = [torch.tensor(numbers, dtype=torch.float32) for numbers in lists]
    exact = math.hypot(*(float(t.double().norm()) for t in tensors))
    total = total_on_host(tensors)
    assert total is None or total == pytest.approx(exact, rel=5e-7)
    assert largest_on_host(tensors) == max(
        [float(t.abs().max()) for t in tensors if t.numel()] or [0]
    )
