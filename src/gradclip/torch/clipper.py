"""Policies on PyTorch tensors."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies import clipper
from gradclip.torch.namespace import TorchNamespace


class Clipper(clipper.Clipper):
    """Clip the gradients of step after step.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import torch, gradclip
        >>> clipper = gradclip.torch.Clipper(gradclip.GlobalNorm(1.0))
        >>> clipper([torch.tensor([3.0]), None, torch.tensor([4.0])])
        [tensor([0.6000]), None, tensor([0.8000])]
        >>> clipper.report.norm_before, clipper.report.scale
        (5.0, 0.2)
    """

    def __init__(
        self, policy: object, *, nonfinite: NonFinite = "skip", max_skipped: int | None = 10
    ) -> None:
        super().__init__(policy, nonfinite=nonfinite, max_skipped=max_skipped, xp=TorchNamespace())

    @torch.no_grad()
    def __call__(
        self,
        gradients: Iterable[Tensor | None],
        variables: Iterable[Tensor] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return the clipped gradients."""
        return super().__call__(gradients, variables, names)
