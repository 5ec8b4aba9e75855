"""The C library against NumPy's widest type: every type, length, instruction set and scale."""

import math
from array import array

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradclip.kernels import cpu
from gradclip.kernels.cpu.library import library

pytestmark = pytest.mark.skipif(not cpu.available(), reason=cpu.describe())

TYPES = {
    cpu.Type.FLOAT32: np.float32,
    cpu.Type.FLOAT64: np.float64,
    cpu.Type.FLOAT16: np.float16,
    cpu.Type.BFLOAT16: ml_dtypes.bfloat16,
}
LENGTHS = [0, 1, 31, 32, 33, 2047, 2048, 2049, 65_535, 65_536, 65_537, 200_001]
BEST = 0


@pytest.fixture(params=[2, BEST], ids=["baseline", "best"])
def width(request):
    yield library().gradclip_use(request.param)
    library().gradclip_use(BEST)


def table(arrays, kinds):
    addresses = [a.ctypes.data for a in arrays]
    return cpu.Table(addresses, [a.size for a in arrays], bytes(kinds))


def rows(arrays, kinds, what=cpu.What.EVERYTHING, threads=1):
    """Norm, largest and both counts of each array, and in the last row of all."""
    found = table(arrays, kinds).measure(what, threads)
    types = [np.float64, np.float64, np.int64, np.int64]
    columns = [column(found, i, kind) for i, kind in enumerate(types)]
    return np.vstack([np.stack(columns, axis=1), np.array(found.memory[:4])])


def column(found, index, kind):
    offset = found.offset(cpu.Column(index))
    return np.frombuffer(found.memory, kind, found.length, offset)


def draw(length, kind, seed=0):
    entries = np.random.default_rng(seed).standard_normal(length)
    entries[::7] = 0
    return entries.astype(TYPES[kind])


def exact_norm(entries):
    """The norm in float64 after an exact scaling, summed by math.fsum."""
    moduli = np.abs(entries.astype(np.float64))
    largest = float(moduli.max(initial=0.0))
    if not 0 < largest < math.inf:
        return largest
    exponent = math.frexp(largest)[1]
    return math.ldexp(math.sqrt(math.fsum(np.ldexp(moduli, -exponent) ** 2)), exponent)


@np.errstate(all="ignore")
def expected(entries):
    wide = np.abs(entries.astype(np.float64))
    bad = int((~np.isfinite(wide)).sum())
    norm = exact_norm(entries) if not bad else math.nan if np.isnan(wide).any() else math.inf
    return norm, wide.max(initial=0.0), bad, int((wide == 0).sum())


@np.errstate(all="ignore")
def product(entries, factor):
    """float32 times float32; 16 bits by float64 and float32."""
    if factor == 0:
        return np.zeros_like(entries)
    if entries.dtype == np.float32 and not factor < 2.0**-126:
        return entries * np.float32(factor)
    wide = entries.astype(np.float64) * factor
    return wide if entries.dtype == np.float64 else wide.astype(np.float32).astype(entries.dtype)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("length", LENGTHS)
def test_one_pass_finds_all_four(width, length, kind):
    entries = draw(length, kind)
    found = rows([entries, entries[: length // 2]], [kind, kind])
    for row, part in zip(found, [entries, entries[: length // 2]], strict=False):
        norm, *others = expected(part)
        assert row[0] == pytest.approx(norm, rel=1e-14)
        assert [*row[1:]] == others


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("what", [cpu.What.SQUARES, cpu.What.LARGEST])
def test_less_can_be_asked_for(width, kind, what):
    entries = draw(70_000, kind)
    column = 0 if what is cpu.What.SQUARES else 1
    found = rows([entries], [kind], what)
    assert found[0, column] == rows([entries], [kind])[0, column]
    assert found[1, column] == found[0, column]


@np.errstate(over="ignore")
def test_norms_and_largest_are_there_in_single_precision_too():
    arrays = [np.array([3.0, -4.0]), np.array([]), np.array([1e300]), np.array([math.nan, 1.0])]
    found = table(arrays, [cpu.Type.FLOAT64]).measure()
    for single, wide in [(4, 0), (5, 1)]:
        expected = column(found, wide, np.float64).astype(np.float32)
        np.testing.assert_array_equal(column(found, single, np.float32), expected)
    assert (found.global_norm, found.largest) == pytest.approx((math.nan, math.nan), nan_ok=True)


@pytest.mark.parametrize("kind", [cpu.Type.FLOAT16, cpu.Type.BFLOAT16])
def test_every_number_of_16_bits_is_read(width, kind):
    for entry in np.arange(65_536, dtype=np.uint16).view(TYPES[kind])[:, None][::13]:
        np.testing.assert_array_equal(rows([entry], [kind])[0], expected(entry))


@pytest.mark.parametrize("factor", [0.5, 0.3, 1e-3, 1e-9, 1e-42, 0.9999999, 7.3, math.nan, 0.0])
@pytest.mark.parametrize("kind", TYPES)
def test_every_entry_is_scaled_as_numpy_does(width, kind, factor):
    if kind in (cpu.Type.FLOAT16, cpu.Type.BFLOAT16):
        entries = np.arange(65_536, dtype=np.uint16).view(TYPES[kind])
    else:
        entries = np.concatenate([draw(70_001, kind), TYPES[kind]([1e-40, -1e-45, 3e38])])
    scaled = entries.copy()
    table([scaled], [kind]).scale(factor)
    np.testing.assert_array_equal(scaled.astype(float), product(entries, factor).astype(float))


def test_a_factor_of_one_leaves_bits_alone_and_zero_gives_zeros():
    kept, gone = np.float32([np.nan, -0.0, 1e-45]), np.float32([np.inf, np.nan, 1.0])
    before = kept.tobytes()
    table([kept, gone], [0, 0]).scale(array("d", [1.0, 0.0]))
    assert kept.tobytes() == before
    assert gone.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("scale", [1e300, 1e200, 1e-160, 1e-200, 1e-300, 5e-324])
@pytest.mark.parametrize("what", [cpu.What.SQUARES, cpu.What.EVERYTHING])
def test_squares_beyond_float64_count(width, scale, what):
    entries = np.ones(70_000) * scale
    found = rows([entries, np.ones(3)], [1, 1], what)
    assert found[0, 0] == pytest.approx(math.sqrt(70_000) * scale, rel=1e-14)
    assert found[2, 0] == pytest.approx(math.hypot(found[0, 0], math.sqrt(3)), rel=1e-14)


@pytest.mark.parametrize("kind", TYPES)
def test_no_number_of_equal_entries_drifts(width, kind):
    entries = np.full(3_000_000, 0.1).astype(TYPES[kind])
    tenth = float(entries[0])
    assert rows([entries], [kind])[0, 0] == pytest.approx(tenth * math.sqrt(3e6), rel=1e-14)


@pytest.mark.parametrize("kind", TYPES)
def test_threads_and_instructions_change_no_bit(kind):
    entries = [draw(n, kind, seed=n) for n in (3_000_000, 7, 100_000)]
    found = []
    for width in (2, BEST):
        library().gradclip_use(width)
        found += [rows(entries, [kind] * 3, threads=threads) for threads in (1, 2, 5)]
    for other in found[1:]:
        if kind is cpu.Type.FLOAT64:  # whose squares are rounded, or not, by the instruction
            np.testing.assert_allclose(other, found[0], rtol=1e-14)
        else:
            np.testing.assert_array_equal(other, found[0])


def test_the_norm_does_not_depend_on_how_entries_are_shared_out():
    entries = draw(500_000, cpu.Type.FLOAT32) * np.float32(1e20)
    whole = rows([entries], [0])[-1]
    for parts in (2, 17, 5_000):
        split = rows(np.array_split(entries, parts), [0] * parts)[-1]
        assert split[0] == pytest.approx(whole[0], rel=1e-15)
        assert [*split[1:]] == [*whole[1:]]


@given(st.lists(st.floats(width=32), max_size=100))
def test_any_numbers(numbers):
    entries = np.array(numbers, np.float32)
    row = rows([entries], [0])[0]
    norm, *others = expected(entries)
    assert row[0] == pytest.approx(norm, rel=1e-14, nan_ok=True)
    np.testing.assert_array_equal(row[1:], others)


def test_entries_need_not_be_aligned():
    held = np.zeros(4_001, np.uint8)
    view = held[1:].view(np.float32)
    view[:] = 2.0
    assert rows([view], [0])[0].tolist() == [2 * math.sqrt(1000), 2.0, 0.0, 0.0]
    table([view], [0]).scale(0.5)
    assert set(view.tolist()) == {1.0}


def test_a_table_of_nothing():
    assert rows([], []).tolist() == [[0.0] * 4]
    table([], []).scale(0.5)
