"""Clipping in place where the step itself is out of reach."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from gradclip.core.policies.report import Report
from gradclip.torch import Clipper
from gradclip.torch.clipper import Parameters


def clip_or_hide(clipper: Clipper, parameters: Parameters) -> Report:
    """Clip gradients in place; take them away if the step is to be skipped.

    A parameter without a gradient is left alone by every optimizer, momentum and weight decay
    included. On a device nobody waits to see whether a step is skipped: there its gradients are
    zeros.

    Args:
        clipper: The policy with its state.
        parameters: Parameters, or pairs of names and parameters.

    Returns:
        The norms before and after.

    Example:
        >>> import torch
        >>> weight = torch.nn.Parameter(torch.zeros(1))
        >>> weight.grad = torch.tensor([float("nan")])
        >>> clip_or_hide(Clipper("global-norm=1"), [weight]).skipped
        True
        >>> weight.grad is None
        True
    """
    given = _listed(parameters)
    report = clipper.clip_(given)
    if report.skipped is True:
        for entry in given:
            parameter = entry[1] if isinstance(entry, tuple) else entry
            parameter.grad = None
    return report


def _listed(parameters: Parameters) -> list[Tensor] | list[tuple[str, Tensor]]:
    """Return what may be read only once as a list."""
    if isinstance(parameters, Tensor):
        return [parameters]
    given: Iterable[Tensor] | Iterable[tuple[str, Tensor]]
    given = parameters.items() if isinstance(parameters, Mapping) else parameters
    return list(given)
