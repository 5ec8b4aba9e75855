"""Moments that optimizers keep of the gradients: reset, and read."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradclip.errors import ConfigurationError

# What PyTorch's optimizers, and most others, call their running means.
_MOMENTS = (
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "exp_inf",
    "momentum_buffer",
    "square_avg",
    "grad_avg",
    "acc_delta",
    "row_var",
    "col_var",
    "variance",
)


def reset_moments(optimizer: Optimizer, parameters: list[Tensor]) -> bool:
    """Set the moments that an optimizer keeps of these parameters' gradients to zero.

    Its count of steps, by which Adam corrects for the bias of its start, goes on, as in SPAM's
    own optimizer.

    Args:
        optimizer: The optimizer.
        parameters: Some of its parameters.

    Returns:
        Whether there are any moments.

    Example:
        >>> import torch
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> adam = torch.optim.Adam([weight])
        >>> weight.grad = torch.ones(2)
        >>> adam.step()
        >>> reset_moments(adam, [weight])
        True
        >>> adam.state[weight]["exp_avg"]
        tensor([0., 0.])
    """
    states = [optimizer.state[p] for p in parameters if p in optimizer.state]
    kept = [state.get(name) for state in states for name in _MOMENTS]
    moments = [m for m in kept if isinstance(m, Tensor)]
    if moments:
        with torch.no_grad():
            torch._foreach_zero_(moments)
    return bool(moments)


def check_second_moment(optimizer: Optimizer) -> None:
    """Raise unless an optimizer may keep a second moment of the gradients.

    Raises:
        ConfigurationError: It has no decay for one.
    """
    for group in optimizer.param_groups:
        if _decay(group) is None:
            raise ConfigurationError(_lacking(optimizer))


def second_moments(optimizer: Optimizer, parameters: list[Tensor]) -> list[Tensor]:
    """Return an optimizer's second moments, corrected for the bias of their start.

    Args:
        optimizer: The optimizer, after a step.
        parameters: Those of its parameters that had gradients in this step.

    Returns:
        New tensors in the shapes of the parameters.

    Raises:
        ConfigurationError: It keeps none.
    """
    decays = {id(p): _decay(group) for group in optimizer.param_groups for p in group["params"]}
    corrected = []
    for parameter in parameters:
        state: Any = optimizer.state[parameter]
        kept, decay = state.get("exp_avg_sq", state.get("square_avg")), decays[id(parameter)]
        if not isinstance(kept, Tensor) or decay is None or "step" not in state:
            raise ConfigurationError(_lacking(optimizer))
        corrected.append(kept / (1.0 - decay ** state["step"]))
    return corrected


def _decay(group: dict[str, Any]) -> Any:
    """Return the decay of the second moment in a group; None where there is none."""
    betas = group.get("betas")
    return betas[1] if isinstance(betas, tuple | list) else group.get("alpha")


def _lacking(optimizer: Optimizer) -> str:
    """Return what is said of an optimizer without a second moment."""
    return (
        "UpdateRMS needs an optimizer with a second moment (Adam, AdamW, NAdam, RAdam, RMSprop), "
        f"got {type(optimizer).__name__}."
    )
