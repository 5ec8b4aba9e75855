"""Factors and bounds applied to NumPy arrays."""

from typing import Any

import numpy as np

from gradclip.numpy.measure import NDAny, wide_type


def rescale(tensor: NDAny, factor: NDAny) -> NDAny:
    """Multiply by a wide factor with one rounding; 1 keeps the bits and 0 gives zeros."""
    if factor.ndim == 0 and factor == 1:
        return tensor
    if factor.ndim == 0 and tensor.dtype == np.float32 and factor > np.finfo(np.float32).tiny:
        return np.asarray(tensor * np.float32(factor))
    wide = np.result_type(wide_type(tensor), tensor.dtype.char if tensor.dtype.kind == "c" else "f")
    scaled = (tensor.astype(wide) * factor).astype(tensor.dtype)
    kept = np.where(factor == 1, tensor, scaled)
    return np.where(factor == 0, np.zeros((), tensor.dtype), kept)


def clamp(tensor: NDAny, low: Any, high: Any) -> NDAny:
    """Limit each entry to [low, high] in the tensor's own type; NaN stays NaN."""
    result = tensor
    if low is not None:
        result = np.maximum(result, np.asarray(low).astype(tensor.dtype))
    if high is not None:
        result = np.minimum(result, np.asarray(high).astype(tensor.dtype))
    if result.shape != tensor.shape:
        msg = f"Bounds must broadcast to the tensor's shape {tensor.shape}, got {result.shape}."
        raise ValueError(msg)
    return result
