"""PyTorch programs, followed by hooks on optimizers, losses and clip functions."""

from typing import Any

import torch
from torch.optim import Optimizer

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.around import Around, Function
from gradclip.instrumenting.torch.late import Late
from gradclip.instrumenting.torch.replacing import replace_everywhere
from gradclip.instrumenting.torch.wrapping import telling, telling_clips

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what PyTorch trains in this process.

    Args:
        session: Where the steps go.
    """
    late = session.shared(Late)
    _tell_of_methods(late)
    _tell_of_functions(late)
    if not getattr(torch.__spec__, "_initializing", False):
        late.make()


def _tell_of_methods(late: Late) -> None:
    """Have optimizers, models, CUDA graphs and GradScalers tell what happens to them."""
    optimizer: Any = Optimizer
    module: Any = torch.nn.Module
    cleared = late.once_made("before_zero_grad")
    module.zero_grad = telling(module.zero_grad, before=cleared)
    optimizer.zero_grad = telling(optimizer.zero_grad, before=cleared)
    graph: Any = torch.cuda.CUDAGraph
    graph.capture_begin = telling(graph.capture_begin, before=late.once_made("before_capture"))
    graph.capture_end = telling(graph.capture_end, after=late.once_made("after_capture"))
    graph.replay = telling(graph.replay, after=late.once_made("after_replay"))
    optimizer.__init__ = telling(optimizer.__init__, after=late.making("optimizer_made"))
    scaler: Any = torch.amp.GradScaler
    scaler.scale = telling(scaler.scale, after=late.making("after_scale"))
    scaler.step = telling(
        scaler.step,
        before=late.once_made("before_scaler_step"),
        after=late.making("after_scaler_step"),
    )


def _tell_of_functions(late: Late) -> None:
    """Have `backward` and clip functions tell of their calls."""
    backward = torch.autograd.backward
    around = Around(late.making("before_compiled"), late.making("after_compiled", otherwise=True))
    replacements: dict[Function, Function] = {torch.compile: around.compiling(torch.compile)}
    replacements |= {backward: telling(backward, after=late.making("after_backward"))}
    replacements |= telling_clips(late.making("before_clip"))
    replace_everywhere(replacements)
