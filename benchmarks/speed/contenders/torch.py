"""`clip_grad_norm_` of gradclip and of PyTorch, on gradients in place."""

from collections.abc import Callable

import torch

import gradclip.torch
from benchmarks.speed.contenders.pair import Pair, Run, gradients
from benchmarks.speed.shapes import Shapes

torch.set_num_threads(1)  # on a busy machine threads wait for each other, not for memory
_FALL = 0.99  # clipped gradients are shorter: a threshold that keeps falling clips every time


def pairs(shapes: Shapes, limit: float) -> list[Pair]:
    """Return what is timed."""
    own, peer = gradclip.torch.clip_grad_norm_, torch.nn.utils.clip_grad_norm_
    return [Pair("clip_grad_norm_", _clip(own, shapes, limit), _clip(peer, shapes, limit))]


def _clip(function: Callable[..., object], shapes: Shapes, limit: float) -> Run:
    """Return a run of a function on gradients of its own."""
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    for parameter, source in zip(parameters, gradients(shapes), strict=True):
        parameter.grad = torch.from_numpy(source)
    norm = float(gradclip.torch.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    current = limit

    def run() -> object:
        nonlocal current
        if limit < norm:
            current *= _FALL
        return function(parameters, current)

    return run
