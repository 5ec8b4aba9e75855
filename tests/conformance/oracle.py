"""What is right, in NumPy's widest type, whose squares neither overflow nor underflow."""

import ml_dtypes
import numpy as np

TYPES = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}
# The largest relative error of a norm, and of the norm of what was clipped.
NORM_ERROR = {"float16": 1e-6, "bfloat16": 1e-6, "float32": 1e-6, "float64": 1e-14}
CLIPPED_ERROR = {"float32": 5e-7, "float64": 1e-14}
DENORMAL = 1.4e-45  # the spacing of float32's smallest numbers


def wide(array):
    return array.astype(np.float64).astype(np.longdouble)


def norm(arrays):
    squares = [np.square(wide(a)).sum() for a in arrays if a is not None]
    return np.sqrt(np.sum(squares, dtype=np.longdouble))


def unit_norm(array, axes):
    return np.sqrt(np.square(wide(array)).sum(axis=axes, keepdims=True))


def scaled(array, factor):
    """The exact product, rounded once to the array's type."""
    return rounded(wide(array) * np.longdouble(factor), array.dtype)


def rounded(exact, dtype):
    return exact.astype(np.float64).astype(dtype)


def spacing(array, dtype):
    """The distance between neighbours of `dtype` at each entry, as float64."""
    info = ml_dtypes.finfo(dtype)
    exponent = np.frexp(np.abs(array.astype(np.float64)))[1] - 1
    least = int(info.minexp)
    return np.ldexp(1.0, np.maximum(exponent, least) - int(info.nmant))


def entry_errors(clipped, wanted, flushed=0.0):
    """How far entries lie from the exact result, in units of what is allowed.

    Args:
        clipped: The result.
        wanted: The exact result.
        flushed: What a framework's kernels take for zero.
    """
    # one rounding of the entry; in float32 of the factor too, whose rounding may weigh twice what
    # it does in the factor; in float64 of the norm as well
    roundings = {2: 0.51, 4: 1.51, 8: 8.0}[clipped.dtype.itemsize]
    unit = spacing(np.asarray(wanted, np.float64), clipped.dtype)
    error = np.abs(wide(clipped) - wanted)
    return np.where(error <= flushed, 0, error) / (unit * roundings)


def bits(array):
    return np.ascontiguousarray(array).tobytes()
