"""Clipping under optax's names and with its signatures."""

from gradclip.jax.clipped import ClippedState
from gradclip.jax.optimizer import Optimizer
from gradclip.jax.report import report, reports
from gradclip.jax.steps import ClipState
from gradclip.optax.clipped import clipped
from gradclip.optax.per_example import per_example_global_norm_clip, per_example_layer_norm_clip
from gradclip.optax.transformations import clip, clip_by_block_rms, clip_by_global_norm
from gradclip.optax.units import adaptive_grad_clip, unitwise_norm

__all__ = [
    "ClipState",
    "ClippedState",
    "Optimizer",
    "adaptive_grad_clip",
    "clip",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clipped",
    "per_example_global_norm_clip",
    "per_example_layer_norm_clip",
    "report",
    "reports",
    "unitwise_norm",
]
