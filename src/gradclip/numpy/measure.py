"""Norms of NumPy arrays, right at every scale."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NDAny = NDArray[Any]
_CHUNK = 1 << 16  # entries whose float64 squares (512 KiB) stay in the cache


def wide_type(tensor: NDAny) -> np.dtype[Any]:
    """Return the type that norms of `tensor` are computed in: float64, or wider if it is wider."""
    real = tensor.real.dtype if tensor.dtype.kind == "c" else tensor.dtype
    return np.dtype(np.longdouble if real == np.longdouble else np.float64)


def norm(tensor: NDAny, axes: Any = None) -> NDAny:
    """Return the 2-norm of `tensor`, (), or over `axes`, which stay with length 1.

    float32 and narrower entries are squared in float64, where no square overflows or
    underflows; wider ones are brought near 1 by an exact power of two first.
    """
    wide, magnitudes = wide_type(tensor), tensor
    if tensor.dtype.kind == "c":
        magnitudes = np.hypot(tensor.real.astype(wide), tensor.imag.astype(wide))
    if tensor.dtype.itemsize < wide.itemsize or tensor.dtype == np.complex64:
        return np.sqrt(_sum_of_squares(magnitudes, axes, wide))
    largest = np.max(np.abs(magnitudes), axis=axes, keepdims=axes is not None, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1]
    near_one = np.ldexp(magnitudes, -exponent)
    return np.ldexp(np.sqrt(_sum_of_squares(near_one, axes, wide)), exponent)


def _sum_of_squares(magnitudes: NDAny, axes: Any, wide: np.dtype[Any]) -> NDAny:
    """Sum squares in `wide` precision, pairwise within chunks that stay in the cache."""
    if axes is not None:
        return np.asarray(np.sum(np.square(magnitudes, dtype=wide), axis=axes, keepdims=True))
    flat = magnitudes.ravel(order="K")
    chunks = [flat[i : i + _CHUNK] for i in range(0, flat.size, _CHUNK)]
    sums = [np.square(chunk, dtype=wide).sum() for chunk in chunks]
    return np.asarray(np.sum(np.array(sums, dtype=wide)))
