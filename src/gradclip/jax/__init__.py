"""Clipping for JAX arrays and pytrees, eager and traced."""

from gradclip.jax.clipper import Clipper
from gradclip.jax.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)
from gradclip.jax.optimizer import Optimizer
from gradclip.jax.report import report, reports
from gradclip.jax.state import OptimizerState
from gradclip.jax.steps import ClipState

__all__ = [
    "ClipState",
    "Clipper",
    "Optimizer",
    "OptimizerState",
    "adaptive_clip",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "gradient_statistics",
    "report",
    "reports",
]
