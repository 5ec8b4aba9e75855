"""Policies on PyTorch tensors."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies import clipper
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import asks_for_resets
from gradclip.core.policies.run import Outcome, PolicyState, init
from gradclip.core.policies.saving import grown
from gradclip.core.sequences import read_once
from gradclip.errors import ConfigurationError
from gradclip.record.convert import copied
from gradclip.torch import in_place
from gradclip.torch.capturing import UNKNOWN, captures, written
from gradclip.torch.guards import Guard
from gradclip.torch.namespace import TorchNamespace
from gradclip.torch.skipping import SkippedOnDevice

Parameters = Tensor | Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Mapping[str, Tensor]


class Clipper(clipper.Clipper):
    """Clip the gradients of step after step.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.

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
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
    ) -> None:
        super().__init__(
            policy,
            nonfinite=nonfinite,
            max_skipped=max_skipped,
            statistics=statistics,
            xp=TorchNamespace(),
        )
        self.guard = Guard()
        self._lacks_moments = asks_for_resets(self.policy)
        self._start: Any = 0.0  # the steps before the one that is decided on
        self._on_device: SkippedOnDevice | None = None
        self._captured = False  # whether a CUDA graph holds a step

    @torch.no_grad()
    def __call__(
        self,
        gradients: Iterable[Tensor | None],
        variables: Iterable[Tensor] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return the clipped gradients."""
        if self._lacks_moments:
            self.guard.no_optimizer()
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
        if self._lacks_moments:
            self.guard.no_optimizer()
        tensors, names = _named(parameters)
        gradients = in_place.read(tensors)
        if not any(g is not None for g in gradients):
            self.guard.no_gradients()
        self.guard.clipping(tensors)
        outcome = self.decide(gradients, tensors, names)
        self.guard.measured(outcome.report)
        in_place.write(tensors, gradients, outcome.batch)
        self.guard.clipped(tensors, outcome.report)
        self.count(outcome)
        return outcome.report

    def decide(
        self,
        gradients: in_place.Gradients,
        variables: Iterable[Tensor] | None = None,
        names: Sequence[str] | None = None,
        factor: Any = 1.0,
    ) -> Outcome:
        """Decide as any Clipper; once a CUDA graph holds a step, each goes on from the last one."""
        captured, before = captures(), self._state
        if captured and (before is None or self._saved is not None):
            raise ConfigurationError(UNKNOWN)
        outcome = super().decide(gradients, variables, names, factor)
        self._captured |= captured
        if self._captured and before is not None:
            self._state = written(outcome.state, before)
        return outcome

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first. A graph's replay is a step as well."""
        found = super().report
        return copied(found) if self._captured and not captures() else found

    def decide_again(
        self,
        gradients: in_place.Gradients,
        variables: list[Tensor],
        names: Sequence[str],
        factor: Any = 1.0,
    ) -> Outcome:
        """Decide on gradients that were evaluated again within one step of the optimizer.

        Args:
            gradients: As in `decide`.
            variables: As in `decide`.
            names: As in `decide`.
            factor: As in `decide`.

        Returns:
            What was decided; however often it is, the step is one step.
        """
        assert self._state is not None  # the first evaluation was decided on
        after = self._state.step
        self._state = self._state._replace(step=self._start)
        outcome = self.decide(gradients, variables, names, factor)
        self._state = self._state._replace(step=_larger(after, self._state.step))
        return outcome

    def count(self, outcome: Outcome) -> None:
        """Count a step that was skipped or not; on a device, without waiting for it.

        Raises:
            NonFiniteGradientError: Too many in a row were.
        """
        if not isinstance(outcome.skipped, Tensor):
            super().count(outcome)
            return
        if self._on_device is None:
            counts = self._skipped
            self._on_device = SkippedOnDevice(counts.limit, counts.total, counts.in_a_row)
        self._on_device.record(outcome.skipped)

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps; this waits for the device."""
        return super().skipped_steps if self._on_device is None else int(self._on_device.total)

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not; this waits for the device."""
        if self._on_device is None:
            return super().skipped_in_a_row
        return int(self._on_device.in_a_row)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; whether it fits is seen at the next step."""
        super().load_state_dict(state_dict)
        self._on_device = None

    def _ready(self, params: in_place.Gradients, names: tuple[str, ...]) -> PolicyState:
        """Return the state for this step, and remember where the step begins."""
        state = super()._ready(params, names)
        self._start = state.step.clone() if self._captured else state.step
        return state

    def _followed(
        self, state: PolicyState, params: in_place.Gradients, names: tuple[str, ...]
    ) -> PolicyState:
        """Return the state for parameters of which some are new, after those that it knows."""
        if names[: len(self._names)] != self._names:
            return super()._followed(state, params, names)
        fresh = init(self.policy, params, names, self._xp)
        followed: PolicyState = grown(fresh, state, _extended)
        return followed


def _named(parameters: Parameters) -> tuple[list[Tensor], tuple[str, ...]]:
    """Return parameters, each once, and their names."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    given = read_once(
        parameters.items() if isinstance(parameters, Mapping) else parameters, "parameters"
    )
    if all(isinstance(entry, Tensor) for entry in given) and len(set(map(id, given))) == len(given):
        return given, _numbers(len(given))
    pairs = [
        entry if isinstance(entry, tuple) else (str(i), entry) for i, entry in enumerate(given)
    ]
    once = {id(tensor): (name, tensor) for name, tensor in reversed(pairs)}
    ordered = list(reversed(once.values()))
    return [tensor for _, tensor in ordered], tuple(name for name, _ in ordered)


@functools.cache
def _numbers(length: int) -> tuple[str, ...]:
    """Return the names of parameters that have none."""
    return tuple(map(str, range(length)))


def _extended(fresh: Any, old: Any) -> Any:
    """Return the entry of a state with room for new parameters."""
    if not isinstance(fresh, Tensor):
        return old
    known = torch.as_tensor(old, dtype=fresh.dtype, device=fresh.device)
    if known.shape == fresh.shape:
        return known
    return torch.cat([known, fresh[..., known.shape[-1] :]], dim=-1)


def _larger(x: Any, y: Any) -> Any:
    """Return the larger of two numbers of steps."""
    return torch.maximum(x, y) if isinstance(x, Tensor) else max(x, y)
