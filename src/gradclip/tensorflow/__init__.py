"""Clipping for TensorFlow: eager, tf.function with and without XLA, TF1 graphs."""

from gradclip.tensorflow.clipper import Clipper
from gradclip.tensorflow.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)
from gradclip.tensorflow.optimizer import Optimizer

__all__ = [
    "Clipper",
    "Optimizer",
    "adaptive_clip",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "gradient_statistics",
]
