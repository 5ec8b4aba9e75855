"""One pass over many tensors, against float64."""

import math

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.kernels.cuda.oracle import DTYPES, agree, draw, exact_norm

from gradclip.kernels.cuda import CHUNK
from gradclip.torch.device_table import table

TILE = 2048 * 8
LENGTHS = [0, 1, 3, 2047, 2048, 2049, TILE - 1, TILE, TILE + 1, CHUNK - 1, CHUNK, CHUNK + 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_four_statistics_at_every_length(device, dtype):
    tensors = [draw(n, dtype, device, seed=n) for n in LENGTHS]
    assert agree(table(tensors).measure(), tensors)


def test_types_may_stand_in_any_order(device):
    tensors = [draw(100 + i, DTYPES[i % 3], device, seed=i) for i in range(7)]
    assert agree(table(tensors).measure(), tensors)


def test_what_is_left_out_counts_as_empty(device):
    ones = torch.ones(4, device=device)
    found = table([None, ones, None]).measure()
    assert found.norms.tolist() == [0.0, 2.0, 0.0]
    assert found.zeros.tolist() == [0, 0, 0]
    assert float(found.norm) == 2.0


def test_views_that_are_not_aligned(device):
    whole = draw(40_000, torch.float32, device)
    tensors = [whole[1:5001], whole[5001:5004], whole[5003:39_999]]
    assert agree(table(tensors).measure(), tensors)


def test_dense_tensors_in_any_order_of_axes(device):
    image = draw(2 * 3 * 4 * 5, torch.float32, device).reshape(2, 3, 4, 5)
    tensors = [image.to(memory_format=torch.channels_last), image.reshape(6, 20).T]
    assert agree(table(tensors).measure(), tensors)


@pytest.mark.parametrize("scale", [1e30, 1e25, 1e18, 1e-18, 1e-25, 1e-38, 1e-44])
def test_squares_that_float32_cannot_hold(device, scale):
    tensors = [draw(5000, torch.float32, device, scale), torch.full((9,), scale, device=device)]
    assert agree(table(tensors).measure(), tensors)


def test_scales_that_differ_within_a_chunk(device):
    huge, tiny = (draw(3000, torch.float32, device, scale) for scale in (1e30, 1e-30))
    tensors = [torch.cat([tiny, huge]), torch.cat([tiny, tiny * 1e20])]
    assert agree(table(tensors).measure(), tensors)


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3])
def test_no_number_of_equal_entries_makes_sums_drift(device, value):
    entries = torch.full((8 * CHUNK,), value, device=device)
    found = table([entries]).measure()
    assert float(found.norm) == pytest.approx(exact_norm(entries), rel=3e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite(device, dtype, value):
    tensors = [draw(n, dtype, device) for n in (5000, CHUNK + 10, 10)]
    tensors[1][[7, 1234, CHUNK + 3]] = value
    found = table(tensors).measure(1.0)
    assert agree(found, tensors)
    assert str(float(found.norm)) == str(abs(value))
    assert float(found.found_inf) == 1.0
    assert math.isnan(found.factor)


def test_nan_counts_for_more_than_inf(device):
    entries = torch.tensor([math.inf, math.nan, 1.0], device=device)
    found = table([entries[:1], entries[1:]]).measure()
    assert math.isnan(found.norm)
    assert found.largest.isnan().tolist() == [False, True]


def test_denormals_are_numbers(device):
    tiny = torch.tensor([1e-45, 0.0, -1e-45], device=device)
    found = table([tiny]).measure()
    assert found.zeros.tolist() == [1]
    assert float(found.largest) == float(tiny[0])


def test_the_same_bits_at_each_repetition(device):
    tensors = [draw(n, torch.float32, device, seed=n) for n in (70_000, 33, 4096)]
    first, second = (table(tensors).measure() for _ in range(2))
    assert torch.equal(first.norms, second.norms)
    assert torch.equal(first.norm, second.norm)


def test_memory_that_was_found_before_stays_as_it_is(device):
    entries = torch.ones(4, device=device)
    before = table([entries]).measure()
    entries.zero_()
    table([entries]).measure()
    assert before.norms.tolist() == [2.0]


def test_many_small_tensors(device):
    tensors = [draw(10, torch.float32, device, seed=i) for i in range(50)]
    found = table(tensors).measure()
    assert agree(found, tensors)
    assert float(found.norm) == pytest.approx(exact_norm(torch.cat(tensors)), rel=1e-7)


ENTRIES = st.one_of(
    st.floats(width=32),
    st.floats(-1, 1, width=32),
    st.sampled_from([0.0, -0.0, 1e-45, 1e-30, 1e30, 3e38, math.inf, -math.inf, math.nan]),
)


@settings(max_examples=60, phases=[Phase.explicit, Phase.generate])
@given(
    lists=st.lists(st.lists(ENTRIES, max_size=20), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float32, torch.float16]),
    skipped=st.integers(0, 3),
)
def test_any_entries(device, lists, dtype, skipped):
    tensors = [torch.tensor([0.0] * skipped + own).to(dtype)[skipped:] for own in lists]
    tensors = [t.to(device) for t in tensors]
    found = table(tensors).measure()
    assert agree(found, tensors)
    whole = exact_norm(torch.cat([t.double() for t in tensors]))
    assert float(found.norm) == pytest.approx(whole, rel=1e-6, nan_ok=True)
