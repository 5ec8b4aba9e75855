"""Clipping for Keras 3, on the backend that it was imported with."""

from gradclip.keras.clipped import ClippedOptimizer
from gradclip.keras.clipper import Clipper
from gradclip.keras.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)
from gradclip.keras.optimizer import Optimizer
from gradclip.keras.record import Record

__all__ = [
    "ClippedOptimizer",
    "Clipper",
    "Optimizer",
    "Record",
    "adaptive_clip",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "gradient_statistics",
]
