"""Gradients of a scaled loss, as GradScaler gives them to optimizers that unscale themselves."""

import gc
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gradclip.core.policies.run import Outcome
from gradclip.torch.measure import eager

_LEAST_SCALE = 256.0  # a smaller one does not tell scaled gradients from others
_USUAL_NORM = 0.01  # fewer gradients are so small that scaled ones would lie below scale * this


def honours_found_inf(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether an optimizer leaves everything as it is where its `found_inf` is not 0."""
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def will_skip(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether GradScaler has told an optimizer to skip this step; False where unknown."""
    found: Any = getattr(optimizer, "found_inf", None)
    return isinstance(found, Tensor) and eager(found) and bool(found != 0)


def without_overflow(outcome: Outcome, optimizer: torch.optim.Optimizer) -> Outcome:
    """Return an outcome as it is counted: what GradScaler skips is its own affair."""
    found: Any = getattr(optimizer, "found_inf", None)
    if not isinstance(found, Tensor) or not isinstance(outcome.skipped, Tensor):
        return outcome
    return replace(outcome, skipped=outcome.skipped & (found == 0).to(outcome.skipped.device))


def unscaling(optimizer: torch.optim.Optimizer) -> Any:
    """Return what the gradients must be multiplied by: 1, or one over GradScaler's scale.

    Fused optimizers get scaled gradients and the scale, to divide by it themselves.
    """
    scale: Any = getattr(optimizer, "grad_scale", None)
    if scale is None:
        return 1.0
    if eager(scale):
        return 1.0 / float(scale)
    return scale.double().reciprocal() if scale.device.type != "mps" else scale.reciprocal()


def mark_unscaled(optimizer: Any) -> None:
    """Tell an optimizer that its gradients have been divided by the scale."""
    if getattr(optimizer, "grad_scale", None) is not None:
        optimizer.grad_scale = None


def forgotten_scale(norm: float, optimizer: torch.optim.Optimizer | None = None) -> float | None:
    """Return the scale that gradients seem to be multiplied by still; None where all is well.

    It looks for a GradScaler that has scaled a loss, has not unscaled the gradients and never
    finished a step, and at the gradients' norm. That takes a while: ask once, at the first step.

    Args:
        norm: The gradients' global norm.
        optimizer: Whose gradients they are, if that is known.

    Returns:
        The scale.
    """
    if hasattr(optimizer, "grad_scale"):
        return None
    for scaler in _scalers():
        scale = _first_scale(scaler)
        large = not norm < scale * _USUAL_NORM
        if scale >= _LEAST_SCALE and large and not _has_unscaled(scaler, optimizer):
            return scale
    return None


def _scalers() -> list[torch.amp.GradScaler]:
    """Return the GradScalers that there are: what holds on to its class may be one."""
    classes: list[type] = [torch.amp.GradScaler]
    for kind in classes:
        classes.extend(kind.__subclasses__())
    return [x for x in gc.get_referrers(*classes) if isinstance(x, torch.amp.GradScaler)]


def _first_scale(scaler: torch.amp.GradScaler) -> float:
    """Return what a scaler has multiplied its first loss by; 0 before that, and 1 step later."""
    if not scaler.is_enabled() or scaler._scale is None:  # noqa: SLF001 - None before its use
        return 0.0
    state = scaler.state_dict()
    scale: float = state["scale"]
    # Where it began: with what it was made with, or with what was loaded into it.
    first = scaler._init_scale, scaler._init_growth_tracker  # noqa: SLF001 - nothing else tells
    return scale if (scale, state["_growth_tracker"]) == first else 0.0


def _has_unscaled(scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer | None) -> bool:
    """Tell whether a scaler has unscaled the gradients of an optimizer, of any if None."""
    states = scaler._per_optimizer_states  # noqa: SLF001 - nothing else tells
    asked = list(states.values()) if optimizer is None else [states.get(id(optimizer), {})]
    return any(getattr(s.get("stage"), "name", "") == "UNSCALED" for s in asked)
