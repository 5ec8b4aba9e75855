"""PyTorch programs, followed by hooks on optimizers, losses and clip functions."""

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.follower import Follower
from gradclip.instrumenting.torch.replacing import replace_everywhere
from gradclip.instrumenting.torch.wrapping import telling_after, telling_clip
from gradclip.torch.hooks import Hook

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
    register_optimizer_step_pre_hook(Hook(follower, follower.before_step))
    register_optimizer_step_post_hook(Hook(follower, follower.after_step))
    optimizer: type = Optimizer
    optimizer.__init__ = telling_after(optimizer.__init__, follower.made)  # type: ignore[misc]
    backward = torch.autograd.backward
    replacements = {backward: telling_after(backward, follower.after_backward)}
    for name, limit in _LIMITS.items():
        function = getattr(torch.nn.utils, name, None)  # the last one is new
        if function is not None:
            replacements[function] = telling_clip(function, limit, follower.before_clip)
    replace_everywhere(replacements)
