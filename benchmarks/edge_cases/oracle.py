"""What is right, in NumPy's widest type, whose squares neither overflow nor underflow."""

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_CHUNK = 1 << 20


def norm(arrays: list[Array | None]) -> float:
    """Return the 2-norm of the arrays as one vector."""
    total = np.longdouble(0)
    for array in arrays:
        if array is not None:
            with np.errstate(invalid="ignore"):
                total += sum((np.square(part).sum() for part in _parts(array)), np.longdouble(0))
    return float(np.sqrt(total))


def scaled(array: Array, factor: float) -> Array:
    """Return the product in the widest type, without rounding it to the array's."""
    wide = np.clongdouble if array.dtype.kind == "c" else np.longdouble
    exact = array if array.dtype.kind == "c" else array.astype(np.float64)
    return exact.astype(wide) * np.longdouble(factor)


def spacing(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return a type's relative rounding step, and its smallest number."""
    real = np.zeros(0, dtype).real.dtype
    info = ml_dtypes.finfo(real)  # type: ignore[no-untyped-call]  # it has no types
    return float(info.eps), float(info.smallest_subnormal)


def _parts(array: Array) -> Iterator[Array]:
    """Yield the real and imaginary parts by chunks, in the widest type."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK]
        halves = (chunk.real, chunk.imag) if chunk.dtype.kind == "c" else (chunk,)
        for half in halves:
            yield half.astype(np.float64).astype(np.longdouble)
