"""What a look at each array tells."""

import math
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gradclip.core.namespace import EUCLIDEAN
from gradclip.jax.compiled import compiled
from gradclip.jax.measure import norm, norms, p_norm, root
from gradclip.jax.reductions import count, largest_bits, reduce_together, squares
from gradclip.jax.squares import DOUBLES, parts, read_again
from gradclip.jax.wide import bits_of_inf, from_bits, in_float64_scope, is_zero, magnitude_bits

Found = tuple[Array, Array, Array, Array]


@compiled()
def statistics(tensors: list[Array]) -> Found:
    """Return what is known of T >= 1 arrays that one program can take.

    Args:
        tensors: The arrays.

    Returns:
        Wide norms, wide largest moduli, and the numbers of non-finite entries and of zeros, (T,)
        each.
    """
    return _look(tensors)


@jax.custom_jvp
def _look(tensors: list[Array]) -> Found:
    """Read real arrays of at most 32 bits an entry once, others in parts."""
    once = [t for t in tensors if _readable_at_once(t)]
    if len(once) == len(tensors):
        return _look_once(tensors)
    seen = iter(zip(*_look_once(once), strict=True) if once else ())
    return _columns([next(seen) if _readable_at_once(t) else _look_in_parts(t) for t in tensors])


@_look.defjvp
@in_float64_scope
def _look_jvp(
    primals: tuple[list[Array]], tangents: tuple[list[Array]]
) -> tuple[Found, tuple[Array, Array, object, object]]:
    """Differentiate the norms; counts have no derivative."""
    slopes = [jax.jvp(lambda t, p=p: norms(t, p), primals, tangents)[1] for p in _DIFFERENTIABLE]
    nothing = np.zeros(len(primals[0]), jax.dtypes.float0)
    return _look(*primals), (*slopes, nothing, nothing)


_DIFFERENTIABLE = (EUCLIDEAN, math.inf)  # the p of the norms that are found


def _look_once(tensors: list[Array]) -> Found:
    """Read each once, unless it may hold denormals alone."""
    sums, largest, nonfinite, zeros = _columns([_read(t) for t in tensors])
    return root(read_again(tensors, sums, largest)), largest, nonfinite, zeros


@compiled()
def _read(tensor: Array) -> Found:
    """Return the sum of squares, in which denormals may be missing, and the rest, () each."""
    bits = magnitude_bits(tensor)
    total, largest, nonfinite, zeros = reduce_together(
        [
            squares(tensor),
            largest_bits(tensor),
            count(bits >= bits_of_inf(tensor.dtype)),
            count(bits == 0),
        ]
    )
    return total, from_bits(largest, tensor.dtype), _integer(nonfinite), _integer(zeros)


@compiled()
def _look_in_parts(tensor: Array) -> Found:
    """Return all four of a complex or wide array, () each."""
    zero = reduce(jnp.logical_and, [is_zero(part) for part in parts(tensor)])
    nonfinite, zeros = (jnp.sum(x, dtype=jnp.int64) for x in (~jnp.isfinite(tensor), zero))
    return norm(tensor), p_norm(tensor, math.inf), nonfinite, zeros


def _readable_at_once(tensor: Array) -> bool:
    return tensor.dtype not in DOUBLES and not jnp.iscomplexobj(tensor)


def _columns(rows: list[Found]) -> Found:
    """Return four vectors."""
    norm, largest, nonfinite, zeros = (jnp.stack(column) for column in zip(*rows, strict=True))
    return norm, largest, nonfinite, zeros


def _integer(count: Array) -> Array:
    return count.astype(jnp.int64)
