"""Clipping for PyTorch tensors and parameters."""

from gradclip.record.arriving import mark_by
from gradclip.torch.attach import Attached, attach
from gradclip.torch.clip_grad import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from gradclip.torch.clipper import Clipper
from gradclip.torch.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)
from gradclip.torch.history import History, Recorded
from gradclip.torch.optimizer import Optimizer
from gradclip.torch.streams import marked

__all__ = [
    "Attached",
    "Clipper",
    "History",
    "Optimizer",
    "Recorded",
    "adaptive_clip",
    "attach",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "global_norm",
    "gradient_statistics",
]

mark_by(marked)
