"""Exact ways between the types of gradients and float64, denormals included.

XLA's CPU backend treats denormal operands as zero in arithmetic and in conversions. Only
bitcasts and selects keep their bits, so denormals travel as the integers that they encode.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import DTypeLike


class _Format(NamedTuple):
    """How a type of at most 32 bits encodes numbers."""

    exponent: int  # bits
    mantissa: int  # bits
    integer: DTypeLike  # the signed type of the same size

    @property
    def least_normal(self) -> float:
        return math.ldexp(1.0, 2 - 2 ** (self.exponent - 1))

    @property
    def step(self) -> float:
        return math.ldexp(self.least_normal, -self.mantissa)

    @property
    def sign(self) -> Any:
        """The bit of the sign, as an integer of the same size."""
        return np.dtype(self.integer).type(-1 << (self.exponent + self.mantissa))

    @property
    def normal(self) -> Any:
        """The bits of the least normal number."""
        return np.dtype(self.integer).type(1 << self.mantissa)


_FORMATS = {
    jnp.dtype(jnp.float32): _Format(8, 23, jnp.int32),
    jnp.dtype(jnp.bfloat16): _Format(8, 7, jnp.int16),
    jnp.dtype(jnp.float16): _Format(5, 10, jnp.int16),
}
_FAR = 2.0**-100  # a float32 factor below it may lose digits
_user_allows_float64: ContextVar[bool] = ContextVar("user_allows_float64")


@contextmanager
def float64_scope(name: str | None = None) -> Iterator[None]:
    """Allow float64 within, whatever the user's `jax_enable_x64` says.

    Args:
        name: A label for the operations within, or None.
    """
    token = _user_allows_float64.set(_user_allows_float64.get(_float64_allowed()))
    try:
        with jax.enable_x64(new_val=True):
            if name is None:
                yield
                return
            with jax.named_scope(name):
                yield
    finally:
        _user_allows_float64.reset(token)


def as_user_array(value: Any) -> Array:
    """Return a JAX array of the type that the user's own settings give to `value`."""
    with jax.enable_x64(_user_allows_float64.get(_float64_allowed())):
        return jnp.asarray(value)


def as_user_integers(integers: Array) -> Array:
    """Return integers in the widest type that the user's own settings allow."""
    allowed = _user_allows_float64.get(_float64_allowed())
    return integers.astype(jnp.int64 if allowed else jnp.int32)


def in_float64_scope(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Give a derivative's rule the scope: JAX calls it long after the function has left it."""

    @wraps(rule)
    def scoped(*arguments: Any) -> Any:
        with jax.enable_x64(new_val=True):
            return rule(*arguments)

    return scoped


def widen(x: Array) -> Array:
    """Return floating entries in float64, complex ones in complex128, all exactly."""
    if jnp.iscomplexobj(x):
        return lax.complex(widen(x.real), widen(x.imag))
    return _widen(x) if x.dtype in _FORMATS else x.astype(jnp.float64)


def modulus(x: Array) -> Array:
    """Return the moduli of floating or complex entries in float64, exactly if real."""
    if jnp.iscomplexobj(x):
        return jnp.abs(widen(x))
    return _modulus(x) if x.dtype in _FORMATS else jnp.abs(x.astype(jnp.float64))


def product(x: Array, factor: Array) -> Array:
    """Return entries times float64 factors in [0, 1], each rounded once; 1 keeps the bits.

    A factor of 0 gives zeros, also for NaN and inf. Complex entries are multiplied part by part,
    so that inf * 0 stays away.
    """
    if jnp.iscomplexobj(x):
        return lax.complex(product(x.real, factor), product(x.imag, factor))
    if x.dtype in _FORMATS:
        written: Array = _product(x, factor)
        return written
    return _selected(factor, jnp.zeros((), x.dtype), (x * factor).astype(x.dtype), x)


def magnitude_bits(x: Array) -> Array:
    """Return moduli of real numbers of at most 32 bits as integers in their order; NaN is last."""
    form = _FORMATS[x.dtype]
    bits: Array = lax.bitcast_convert_type(x, form.integer) & ~form.sign
    return bits


def from_bits(bits: Array, dtype: DTypeLike) -> Array:
    """Return the float64 numbers that `magnitude_bits` made integers of."""
    return widen(lax.bitcast_convert_type(bits, jnp.dtype(dtype)))


def bits_of_inf(dtype: DTypeLike) -> Any:
    """Return the integer that encodes inf; those of NaN are larger."""
    form = _FORMATS[jnp.dtype(dtype)]
    return np.dtype(form.integer).type(((1 << form.exponent) - 1) << form.mantissa)


def is_zero(x: Array) -> Array:
    """Tell by entry whether real `x` is 0 or -0, as no denormal number is."""
    bits = lax.bitcast_convert_type(x, np.dtype(f"int{8 * x.dtype.itemsize}"))
    return bits & np.iinfo(bits.dtype).max == 0


def less(x: Array, y: Array) -> Array:
    """Tell by entry whether real `x` is less than `y` of the same type; NaN is not."""
    if x.dtype not in _FORMATS:
        return x < y
    # Magnitudes are ordered as the integers that encode them, denormals too.
    smaller = _order(x) < _order(y)
    return smaller & ~jnp.isnan(x) & ~jnp.isnan(y)


def narrow(wide: Array, dtype: DTypeLike) -> Array:
    """Return float64 entries in `dtype`, each rounded once to nearest, ties to even."""
    if jnp.issubdtype(dtype, jnp.complexfloating):
        real = jnp.float32 if jnp.dtype(dtype) == jnp.complex64 else jnp.float64
        return lax.complex(narrow(wide.real, real), narrow(wide.imag, real))
    if jnp.dtype(dtype) in _FORMATS:
        return _narrow(wide, jnp.dtype(dtype))
    return wide.astype(dtype)


def rounded(wide: Array, dtype: DTypeLike) -> Array:
    """Return float64 entries rounded to what `dtype` can hold, still in float64."""
    if jnp.dtype(dtype) == jnp.float64:
        return wide
    form = _FORMATS[jnp.dtype(dtype)]
    tiny = lax.round(wide / form.step, lax.RoundingMethod.TO_NEAREST_EVEN) * form.step
    return jnp.where(jnp.abs(wide) < form.least_normal, tiny, rounded_normal(wide, dtype))


def rounded_normal(wide: Array, dtype: DTypeLike) -> Array:
    """Return entries as `rounded` does, where they are normal numbers of `dtype`."""
    form = _FORMATS[jnp.dtype(dtype)]
    return lax.reduce_precision(wide, form.exponent, form.mantissa)


def _float64_allowed() -> bool:
    return bool(jax.dtypes.canonicalize_dtype(jnp.float64) == jnp.float64)


@jax.custom_jvp
def _widen(x: Array) -> Array:
    """Convert normal entries; read denormal ones as multiples of the least step."""
    form = _FORMATS[x.dtype]
    bits = lax.bitcast_convert_type(x, form.integer)
    steps = bits & ~form.sign
    tiny = lax.convert_element_type(steps, jnp.float64) * form.step
    tiny = lax.select(bits < 0, -tiny, tiny)
    return lax.select(steps < form.normal, tiny, lax.convert_element_type(x, jnp.float64))


@_widen.defjvp
@in_float64_scope
def _widen_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Differentiate as the conversion that it is."""
    return _widen(*primals), lax.convert_element_type(tangents[0], jnp.float64)


def _order(x: Array) -> Array:
    """Return integers in the order of the numbers, 0 for zeros of both signs."""
    form = _FORMATS[x.dtype]
    bits = lax.bitcast_convert_type(lax.stop_gradient(x), form.integer)
    return lax.select(bits < 0, form.sign - bits, bits)


@jax.custom_jvp
def _modulus(x: Array) -> Array:
    """Read magnitudes as normal numbers or as multiples of the least step."""
    form = _FORMATS[x.dtype]
    bits = magnitude_bits(x)
    tiny = lax.convert_element_type(bits, jnp.float64) * form.step
    normal = lax.convert_element_type(lax.bitcast_convert_type(bits, x.dtype), jnp.float64)
    return lax.select(bits < form.normal, tiny, normal)


@_modulus.defjvp
@in_float64_scope
def _modulus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Differentiate as the absolute value that it is."""
    (x,), slope = primals, lax.convert_element_type(tangents[0], jnp.float64)
    return _modulus(x), jnp.where(jnp.signbit(x), -slope, slope)


@jax.custom_jvp
def _product(x: Array, factor: Array) -> Array:
    """Multiply, then choose by the factor."""
    form = _FORMATS[x.dtype]
    bits = lax.bitcast_convert_type(x, form.integer)
    multiply = _single_product if x.dtype == jnp.float32 else _half_product
    written = _selected(factor, jnp.zeros((), form.integer), multiply(x, bits, factor), bits)
    return lax.bitcast_convert_type(written, x.dtype)


def _single_product(x: Array, bits: Array, factor: Array) -> Array:
    """Return the bits of float32 products, which XLA makes a part of what uses them.

    Products that come out as 0 are written again, as multiples of the least step: the sum with
    2**23 rounds them to an integer that is the last bits of the sum.
    """
    form = _FORMATS[x.dtype]
    # Two factors, since float32 may not hold the whole: a power of two, and the rest.
    power = jnp.where(factor < _FAR, _FAR, 1.0)
    rest = (factor / power).astype(x.dtype)
    single = power.astype(x.dtype)
    steps = bits & ~form.sign
    denormal = lax.convert_element_type(steps, x.dtype) * (single * _single(2.0**-form.mantissa))
    normal = lax.bitcast_convert_type(steps, x.dtype) * (single * _single(1 / form.least_normal))
    one = _single(2.0**form.mantissa)
    rounded_sum = lax.select(steps < form.normal, denormal, normal) * (rest * one) + one
    tiny = lax.bitcast_convert_type(rounded_sum, form.integer) - one.view(form.integer)
    products = x * single * rest
    lost = jnp.where(products == 0, tiny, jnp.zeros((), form.integer))
    return lax.bitcast_convert_type(products, form.integer) | lost


def _half_product(x: Array, bits: Array, factor: Array) -> Array:
    """Return the bits of products of 16 bits, magnitudes multiplied in float64."""
    form = _FORMATS[x.dtype]
    exact = _modulus(x) * factor
    tiny = lax.round(exact * (1.0 / form.step), lax.RoundingMethod.TO_NEAREST_EVEN)
    # To 16 bits XLA rounds by way of float32, that is twice.
    normal = lax.convert_element_type(rounded_normal(exact, x.dtype), x.dtype)
    tiny = lax.convert_element_type(tiny, form.integer)
    normal = lax.bitcast_convert_type(normal, form.integer)
    signed: Array = lax.select(exact < form.least_normal, tiny, normal) | (bits & form.sign)
    return signed


def _single(number: float) -> Any:
    return np.float32(number)


@_product.defjvp
@in_float64_scope
def _product_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Differentiate as the product that it is; where the factor is 1 or 0 it is taken as fixed."""
    (x, factor), (dx, dfactor) = primals, tangents
    slope = lax.convert_element_type(dx, jnp.float64) * factor
    moved = jnp.where((factor == 0) | (factor == 1), 0.0, widen(x) * dfactor)
    return _product(x, factor), lax.convert_element_type(slope + moved, x.dtype)


def _selected(factor: Array, zero: Array, other: Array, same: Array) -> Array:
    """Choose by the factor: zero, the product, or what came."""
    return jnp.where(factor == 0, zero, jnp.where(factor == 1, same, other))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _narrow(wide: Array, dtype: jnp.dtype[Any]) -> Array:
    """Round normal entries; write denormal ones as multiples of the least step."""
    form = _FORMATS[dtype]
    magnitude = jnp.abs(wide)
    steps = jnp.minimum(magnitude / form.step, float(1 << form.mantissa))
    steps = lax.round(steps, lax.RoundingMethod.TO_NEAREST_EVEN).astype(form.integer)
    signed = jnp.where(jnp.signbit(wide), steps | form.sign, steps)
    tiny = lax.bitcast_convert_type(signed, dtype)
    # To 16 bits XLA rounds by way of float32, that is twice.
    normal = wide if dtype == jnp.float32 else rounded(wide, dtype)
    return jnp.where(magnitude < form.least_normal, tiny, normal.astype(dtype))


@_narrow.defjvp
@in_float64_scope
def _narrow_jvp(
    dtype: jnp.dtype[Any], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    """Differentiate as the conversion that it is."""
    return _narrow(*primals, dtype), lax.convert_element_type(tangents[0], dtype)
