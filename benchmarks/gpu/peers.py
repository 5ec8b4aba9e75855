"""Other packages' clipping, where they are installed."""

import importlib
from collections.abc import Callable
from typing import Any

import torch

Clip = Callable[[list[torch.nn.Parameter], float], object]


def peers() -> dict[str, Clip]:
    """Return what can be imported, by name."""
    found = {}
    for name, make in (("Apex", _apex), ("Transformer Engine", _engine), ("DeepSpeed", _deepspeed)):
        try:
            found[name] = make()
        except (ImportError, AttributeError, OSError):
            continue
    return found


def _apex() -> Clip:
    module = importlib.import_module("apex.contrib.clip_grad")
    return lambda parameters, limit: module.clip_grad_norm_(parameters, limit)


def _deepspeed() -> Clip:
    module = importlib.import_module("deepspeed.runtime.utils")
    return lambda parameters, limit: module.clip_grad_norm_(parameters, limit)


def _engine() -> Clip:
    """Return what Megatron makes of it: a norm, a look at it on the host, and a multiplication."""
    module: Any = importlib.import_module("transformer_engine.pytorch.optimizers")
    apply, norm, scale = (
        module.multi_tensor_applier, module.multi_tensor_l2norm, module.multi_tensor_scale,
    )  # fmt: skip
    overflow = torch.zeros(1, dtype=torch.int32, device="cuda")

    def clip(parameters: list[torch.nn.Parameter], limit: float) -> None:
        gradients = [p.grad for p in parameters]
        total, _ = apply(norm, overflow, [gradients], False)  # noqa: FBT003 - theirs
        factor = limit / (total.item() + 1e-6)
        if factor < 1:
            apply(scale, overflow, [gradients, gradients], factor)

    return clip
