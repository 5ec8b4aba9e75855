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
    wide = wide_type(tensor)
    moduli = magnitudes(tensor) if tensor.dtype.kind == "c" else tensor
    if tensor.dtype.itemsize < wide.itemsize or tensor.dtype == np.complex64:
        return np.sqrt(_sum_of_squares(moduli, axes, wide))
    largest = np.max(np.abs(moduli), axis=axes, keepdims=axes is not None, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1]
    near_one = np.ldexp(moduli, -exponent)
    return np.ldexp(np.sqrt(_sum_of_squares(near_one, axes, wide)), exponent)


def p_norm(tensor: NDAny, p: float, axes: Any = None) -> NDAny:
    """Return the p-norm, 0 < p <= inf, in the shape of `norm`; inf is the largest modulus."""
    moduli = magnitudes(tensor)
    largest = np.max(moduli, axis=axes, keepdims=axes is not None, initial=0.0)
    if p == np.inf:
        return np.asarray(largest)
    # Divided by the largest, no power overflows, and what underflows is too small to be seen.
    unit = np.where(np.isfinite(largest) & (largest > 0), largest, 1.0)
    total = np.sum((moduli / unit) ** p, axis=axes, keepdims=axes is not None)
    return np.asarray(unit * total ** (1 / p))


def everything(tensor: NDAny) -> tuple[NDAny, Any, int, int]:
    """Return the norm (), the largest modulus (), and the numbers of bad entries and of zeros."""
    largest = np.max(magnitudes(tensor), initial=0.0)
    nonfinite = 0 if np.isfinite(largest) else int(np.count_nonzero(~np.isfinite(tensor)))
    return norm(tensor), largest, nonfinite, tensor.size - int(np.count_nonzero(tensor))


def magnitudes(tensor: NDAny) -> NDAny:
    """Return the moduli in wide precision."""
    wide = wide_type(tensor)
    if tensor.dtype.kind == "c":
        return np.asarray(np.hypot(tensor.real.astype(wide), tensor.imag.astype(wide)))
    return np.asarray(np.abs(tensor.astype(wide)))


def _sum_of_squares(magnitudes: NDAny, axes: Any, wide: np.dtype[Any]) -> NDAny:
    """Sum squares in `wide` precision, pairwise within chunks that stay in the cache."""
    if axes is not None:
        return np.asarray(np.sum(np.square(magnitudes, dtype=wide), axis=axes, keepdims=True))
    flat = magnitudes.ravel(order="K")
    chunks = [flat[i : i + _CHUNK] for i in range(0, flat.size, _CHUNK)]
    sums = [np.square(chunk, dtype=wide).sum() for chunk in chunks]
    return np.asarray(np.sum(np.array(sums, dtype=wide)))
