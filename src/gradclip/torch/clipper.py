"""Policies on PyTorch tensors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies import clipper
from gradclip.core.policies.report import Report
from gradclip.core.sequences import read_once
from gradclip.torch import in_place
from gradclip.torch.namespace import TorchNamespace

Parameters = Tensor | Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Mapping[str, Tensor]


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

    @torch.no_grad()
    def clip_(self, parameters: Parameters) -> Report:
        """Clip the gradients of parameters in place, between `backward` and the optimizer's step.

        Args:
            parameters: Always the same parameters in the same order, or pairs of names and
                parameters such as `model.named_parameters()`; one given twice counts once.

        Returns:
            The norms before and after. A skipped step has zeros for gradients; whether to let
            the optimizer take it is the caller's to decide, by `report.skipped`.

        Raises:
            GradientTypeError: It is something else, or a gradient is not floating or complex.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.

        Example:
            >>> import torch, gradclip
            >>> model = torch.nn.Linear(2, 1, bias=False)
            >>> model.weight.grad = torch.tensor([[3.0, 4.0]])
            >>> clipper = gradclip.torch.Clipper(gradclip.GlobalNorm(1.0))
            >>> print(clipper.clip_(model.named_parameters()))
            norm 5 -> 1, limit 1, scale 0.2
              weight  5 -> 1
            >>> model.weight.grad
            tensor([[0.6000, 0.8000]])
        """
        tensors, names = _named(parameters)
        gradients = in_place.read(tensors)
        outcome = self.decide(gradients, tensors, names)
        in_place.write(tensors, gradients, outcome.batch)
        self.count(outcome)
        return outcome.report


def _named(parameters: Parameters) -> tuple[list[Tensor], tuple[str, ...]]:
    """Return parameters, each once, and their names."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    given = read_once(
        parameters.items() if isinstance(parameters, Mapping) else parameters, "parameters"
    )
    pairs = [
        entry if isinstance(entry, tuple) else (str(i), entry) for i, entry in enumerate(given)
    ]
    once = {id(tensor): (name, tensor) for name, tensor in reversed(pairs)}
    ordered = list(reversed(once.values()))
    return [tensor for _, tensor in ordered], tuple(name for name, _ in ordered)
