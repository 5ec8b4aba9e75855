"""PyTorch programs, followed by hooks on optimizers, losses and clip functions."""

from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.compiled import Around, UncompiledHook
from gradclip.instrumenting.torch.follower import Follower
from gradclip.instrumenting.torch.replacing import Function, replace_everywhere
from gradclip.instrumenting.torch.wrapping import telling, telling_clip

__all__ = ["install"]

# Clip functions, and what they call their limit.
_LIMITS = {
    "clip_grad_norm_": "max_norm",
    "clip_grad_value_": "clip_value",
    "clip_grads_with_norm_": "max_norm",
}


def install(session: Session) -> None:
    """Follow what PyTorch trains in this process.

    Args:
        session: Where the steps go.
    """
    follower = Follower(session)
    register_optimizer_step_pre_hook(UncompiledHook(follower.before_step))
    register_optimizer_step_post_hook(UncompiledHook(follower.after_step))
    _tell_of_methods(follower)
    _tell_of_functions(follower)


def _tell_of_methods(follower: Follower) -> None:
    """Have optimizers and models tell what happens to them, and GradScalers what they do."""
    optimizer: Any = Optimizer
    module: Any = torch.nn.Module
    module.zero_grad = telling(module.zero_grad, before=follower.before_zero_grad)
    optimizer.zero_grad = telling(optimizer.zero_grad, before=follower.before_zero_grad)
    optimizer.__init__ = telling(optimizer.__init__, after=follower.optimizer_made)
    scaler: Any = torch.amp.GradScaler
    scaler.scale = telling(scaler.scale, after=follower.after_scale)
    scaler.step = telling(
        scaler.step, before=follower.before_scaler_step, after=follower.after_scaler_step
    )


def _tell_of_functions(follower: Follower) -> None:
    """Have `backward` and clip functions tell of their calls."""
    backward = torch.autograd.backward
    around = Around(follower.before_compiled, follower.after_compiled)
    replacements: dict[Function, Function] = {torch.compile: around.compiling(torch.compile)}
    replacements |= {backward: telling(backward, after=follower.after_backward)}
    for name, limit in _LIMITS.items():
        function = getattr(torch.nn.utils, name, None)  # the last one is new
        if function is not None:
            replacements[function] = telling_clip(function, limit, follower.before_clip)
    replace_everywhere(replacements)
