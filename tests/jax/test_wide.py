"""Conversions to and from float64 are exact on XLA, denormals included."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from gradclip.jax.wide import as_user_array, float64_scope, narrow, product, rounded, widen

pytestmark = pytest.mark.jax
SIXTEEN_BITS = [np.float16, ml_dtypes.bfloat16]


def widened(x):
    with float64_scope():
        return np.asarray(jax.jit(widen)(x))


def narrowed(x, dtype):
    with float64_scope():
        return np.asarray(jax.jit(narrow, static_argnums=1)(jnp.asarray(x), dtype))


@pytest.mark.parametrize("dtype", SIXTEEN_BITS)
def test_every_sixteen_bit_number_goes_to_float64_and_back(dtype):
    numbers = np.arange(2**16, dtype=np.uint16).view(dtype)
    exponent = np.uint16(0x7C00 if dtype == np.float16 else 0x7F80)
    numbers = numbers[numbers.view(np.uint16) & np.uint16(0x7FFF) <= exponent]  # no NaN
    wide = widened(numbers)
    np.testing.assert_array_equal(wide, numbers.astype(np.float64))
    back = narrowed(wide, dtype)
    np.testing.assert_array_equal(back.view(np.uint16), numbers.view(np.uint16))


def test_float32_numbers_of_every_exponent_go_to_float64_and_back():
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32)
    edges = np.array([0, 1, 2, 0x7FFFFF, 0x800000, 0x800001, 0x7F7FFFFF, 0x7F800000], np.uint32)
    numbers = np.concatenate([bits, edges, edges | np.uint32(1 << 31)]).view(np.float32)
    numbers = numbers[~np.isnan(numbers)]
    wide = widened(numbers)
    np.testing.assert_array_equal(wide, numbers.astype(np.float64))
    np.testing.assert_array_equal(
        narrowed(wide, np.float32).view(np.uint32), numbers.view(np.uint32)
    )


@pytest.mark.parametrize("dtype", [np.float32, *SIXTEEN_BITS])
def test_nan_stays_nan(dtype):
    assert np.isnan(widened(np.array(np.nan, dtype)))
    assert np.isnan(narrowed(np.nan, dtype))


@pytest.mark.parametrize("dtype", [np.float32, *SIXTEEN_BITS])
def test_narrowing_rounds_once_to_nearest_with_ties_to_even(dtype):
    one = np.array(1, dtype)
    ulp = float(np.nextafter(one, np.array(2, dtype))) - 1
    nearly = 1 + ulp / 2 + 2.0**-40  # by way of float32, bfloat16 would see a tie here
    assert narrowed([1 + ulp / 2, 1 + 1.5 * ulp, nearly], dtype).astype(float).tolist() == [
        1,
        1 + 2 * ulp,
        1 + ulp,
    ]


@pytest.mark.parametrize(
    ("dtype", "step"), [(np.float32, 2.0**-149), (ml_dtypes.bfloat16, 2.0**-133)]
)
def test_denormals_are_rounded_as_normal_numbers_are(dtype, step):
    values = narrowed([0.5 * step, 1.5 * step, 2.4 * step, -2.6 * step], dtype)
    bits = values.view(np.uint16 if dtype != np.float32 else np.uint32)
    sign = 1 << (8 * values.itemsize - 1)
    assert bits.tolist() == [0, 2, 2, 3 | sign]


@pytest.mark.parametrize("value", [1e-45, 3e-42, 1.1e-38, 1.0000001, 1e25, 3.5e38])
def test_rounded_agrees_with_a_conversion_to_float32(value):
    with np.errstate(over="ignore"):
        expected = float(np.float32(value))
    with float64_scope():
        assert float(rounded(jnp.asarray(value), np.float32)) == expected


def test_complex_numbers_keep_their_parts():
    number = np.array(complex(1e-45, -3e38), np.complex64)
    assert narrowed(widened(number), np.complex64) == number


def test_a_python_number_has_the_users_precision_within_the_scope():
    with float64_scope():
        assert as_user_array(1.5).dtype == jnp.float32
        assert jnp.asarray(1.5).dtype == jnp.float64
    with jax.enable_x64(new_val=True), float64_scope():
        assert as_user_array(1.5).dtype == jnp.float64


def test_the_scope_leaves_the_users_setting_as_it_was():
    with pytest.raises(ValueError, match="stop"), float64_scope("clip"):
        raise ValueError("stop")
    assert jnp.asarray(1.5).dtype == jnp.float32


def multiplied(x, factor):
    with float64_scope():
        return np.asarray(jax.jit(product)(x, jnp.asarray(factor)))


@pytest.mark.parametrize("factor", [0.3, 1 - 1e-9, 1e-10, 2.0**-99.5, 1e-31, 1e-38, 1e-45, 1e-60])
def test_float32_products_are_within_two_roundings_in_all_of_its_range(factor):
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)
    near = np.clip(1e-38 / factor, 0, 1e38) * generator.normal(size=10_000)
    numbers = np.concatenate([bits[np.isfinite(bits)], near.astype(np.float32)])
    exact = numbers.astype(float) * factor
    unit = np.ldexp(1.0, np.maximum(np.frexp(np.abs(exact))[1] - 1, -126) - 23)
    products = multiplied(numbers, factor)
    assert np.all(np.abs(products.astype(float) - exact) <= 1.51 * unit)
    np.testing.assert_array_equal(np.signbit(products), np.signbit(numbers))


@pytest.mark.parametrize("dtype", SIXTEEN_BITS)
@pytest.mark.parametrize("factor", [0.3, 1e-3, 1e-30])
def test_products_of_all_sixteen_bit_numbers_are_rounded_once(dtype, factor):
    numbers = np.arange(2**16, dtype=np.uint16).view(dtype)
    wide = widened(numbers) * factor
    finite = np.isfinite(wide)
    expected = narrowed(wide[finite], dtype)
    products = multiplied(numbers, factor)[finite]
    np.testing.assert_array_equal(products.view(np.uint16), expected.view(np.uint16))


@pytest.mark.parametrize("dtype", [np.float32, *SIXTEEN_BITS])
def test_a_factor_of_one_keeps_bits_and_zero_selects_zeros(dtype):
    numbers = np.arange(2**16, dtype=np.uint16)
    numbers = (numbers if dtype != np.float32 else numbers * np.uint32(65521)).view(dtype)
    assert multiplied(numbers, 1.0).tobytes() == numbers.tobytes()
    assert not np.any(multiplied(numbers, 0.0))
    assert np.all(np.isnan(multiplied(numbers, np.nan).astype(float)))
