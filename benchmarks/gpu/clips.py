"""Clipping and optimizers' steps, as contenders."""

import math
from collections.abc import Callable

import torch

import gradclip
from benchmarks.gpu.clock import Work
from benchmarks.gpu.lists import Case
from benchmarks.gpu.peers import peers
from gradclip.torch import on_device

_FALL = 0.999  # of the limit at each call, so that each has something to clip
Limits = Callable[[], float]


def clips(case: Case, *, clipping: bool) -> list[Work]:
    """Return the ways to clip a list; the first is PyTorch's."""
    torch_clip = torch.nn.utils.clip_grad_norm_
    ways = {
        "torch, foreach": lambda ps, limit: torch_clip(ps, limit, foreach=True),
        "gradclip": gradclip.torch.clip_grad_norm_,
        "gradclip, statistics and factor alone": _decide,
        **peers(),
    }
    norm = float(torch_clip(case.parameters, math.inf))
    return [_work(name, way, case, norm if clipping else math.inf) for name, way in ways.items()]


def steps(case: Case) -> list[Work]:
    """Return ways to clip and take a step of fused AdamW; the first does not clip."""
    optimizer = torch.optim.AdamW(case.parameters, lr=1e-6, fused=True)
    norm = float(torch.nn.utils.clip_grad_norm_(case.parameters, math.inf))

    def after(clip: Callable[[list[torch.nn.Parameter], float], object]):  # noqa: ANN202
        def step(parameters: list[torch.nn.Parameter], limit: float) -> None:
            clip(parameters, limit)
            optimizer.step()

        return step

    def folded(parameters: list[torch.nn.Parameter], limit: float) -> None:
        found = _decide(parameters, limit)
        optimizer.grad_scale, optimizer.found_inf = found.inverse_factor, found.found_inf
        optimizer.step()
        del optimizer.grad_scale, optimizer.found_inf

    ways = {
        "step alone": lambda *_: optimizer.step(),
        "torch, foreach, and step": after(torch.nn.utils.clip_grad_norm_),
        "gradclip and step": after(gradclip.torch.clip_grad_norm_),
        "gradclip folded into step": folded,
    }
    return [
        _work(f"{name}, {label}", way, case, limit)
        for label, limit in (("nothing to clip", math.inf), ("clipping", norm))
        for name, way in ways.items()
    ]


def _decide(parameters: list[torch.nn.Parameter], limit: float):  # noqa: ANN202 - Measured
    found = on_device.decide([p.grad for p in parameters], limit)
    assert found is not None  # dense tensors of one device
    return found


def _work(
    name: str,
    way: Callable[[list[torch.nn.Parameter], float], object],
    case: Case,
    limit: float,
) -> Work:
    """Return a contender whose limit falls from call to call, and is inf if it was."""
    state = {"limit": limit}

    def prepare() -> None:
        case.restore()
        state["limit"] = limit

    def call() -> None:
        state["limit"] *= _FALL
        way(case.parameters, state["limit"])

    return Work(name, call, prepare)
