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
    def sign(self) -> int:
        return -1 << (self.exponent + self.mantissa)


_FORMATS = {
    jnp.dtype(jnp.float32): _Format(8, 23, jnp.int32),
    jnp.dtype(jnp.bfloat16): _Format(8, 7, jnp.int16),
    jnp.dtype(jnp.float16): _Format(5, 10, jnp.int16),
}
_user_allows_float64: ContextVar[bool] = ContextVar("user_allows_float64")


@contextmanager
def float64_scope(name: str | None = None) -> Iterator[None]:
    """Allow float64 within, whatever the user's `jax_enable_x64` says.

    Args:
        name: A label for the operations within, or None.
    """
    token = _user_allows_float64.set(_float64_allowed())
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
    normal = lax.reduce_precision(wide, form.exponent, form.mantissa)
    return jnp.where(jnp.abs(wide) < form.least_normal, tiny, normal)


def _float64_allowed() -> bool:
    return bool(jax.dtypes.canonicalize_dtype(jnp.float64) == jnp.float64)


@jax.custom_jvp
def _widen(x: Array) -> Array:
    """Convert normal entries; read denormal ones as multiples of the least step."""
    form = _FORMATS[x.dtype]
    bits = lax.bitcast_convert_type(x, form.integer)
    steps = bits & jnp.array(~form.sign, form.integer)
    tiny = steps.astype(jnp.float64) * form.step
    tiny = jnp.where(bits < 0, -tiny, tiny)
    denormal = steps < jnp.array(1 << form.mantissa, form.integer)
    return jnp.where(denormal, tiny, lax.convert_element_type(x, jnp.float64))


@_widen.defjvp
@in_float64_scope
def _widen_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Differentiate as the conversion that it is."""
    return _widen(*primals), lax.convert_element_type(tangents[0], jnp.float64)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _narrow(wide: Array, dtype: jnp.dtype[Any]) -> Array:
    """Round normal entries; write denormal ones as multiples of the least step."""
    form = _FORMATS[dtype]
    magnitude = jnp.abs(wide)
    steps = jnp.minimum(magnitude / form.step, float(1 << form.mantissa))
    steps = lax.round(steps, lax.RoundingMethod.TO_NEAREST_EVEN).astype(form.integer)
    signed = jnp.where(jnp.signbit(wide), steps | jnp.array(form.sign, form.integer), steps)
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
