"""Several numbers that one look at an array gives."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gradclip.jax.wide import magnitude_bits, modulus

_SHORT = 16  # entries: two vectors of a CPU


class Column(NamedTuple):
    """One of several numbers that one look at an array gives."""

    entries: Array
    start: Any  # the result for no entries, of the entries' type
    join: Callable[[Array, Array], Array]


def squares(part: Array) -> Column:
    """Sum squares in float64; conversions may take denormals for zeros."""
    return Column(jnp.square(part.astype(jnp.float64)), np.float64(0), lax.add)


def exact_squares(part: Array) -> Column:
    """Sum squares in float64, slower."""
    return Column(jnp.square(modulus(part)), np.float64(0), lax.add)


def largest_bits(part: Array) -> Column:
    """Find the largest modulus, as the integer that encodes it."""
    bits = magnitude_bits(part)
    return Column(bits, bits.dtype.type(0), lax.max)


def count(condition: Array) -> Column:
    """Count the entries that a condition holds for."""
    integer = jnp.int32 if condition.size <= np.iinfo(np.int32).max else jnp.int64
    return Column(condition.astype(integer), np.dtype(integer).type(0), lax.add)


def reduce_together(columns: list[Column]) -> list[Array]:
    """Return what the columns of an array come to, () each, in one loop.

    XLA's CPU backend writes one column alone to memory before it reduces it; of several it does
    not, and takes no longer than for one.
    """
    entries, starts, joins = zip(*columns, strict=True)

    def join(left: Any, right: Any) -> Any:
        return tuple(f(x, y) for f, x, y in zip(joins, left, right, strict=True))

    merged = tuple(_with_long_rows(x) for x in entries)
    return list(lax.reduce(merged, starts, join, tuple(range(merged[0].ndim))))


def _with_long_rows(entries: Array) -> Array:
    """Return entries with short last axes merged, as of filters, whose loops have no vectors."""
    # Longer axes stay: they may be split over devices, and would have to be gathered.
    shape = entries.shape
    while len(shape) > 1 and shape[-1] < _SHORT:
        shape = (*shape[:-2], shape[-2] * shape[-1])
    return entries.reshape(shape)
