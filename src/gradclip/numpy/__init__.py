"""Clipping for NumPy arrays."""

from gradclip.numpy.clipper import Clipper
from gradclip.numpy.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)

__all__ = [
    "Clipper",
    "adaptive_clip",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "gradient_statistics",
]
