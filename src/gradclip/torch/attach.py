"""A policy attached to an optimizer: gradients are clipped right before each of its steps."""

from typing import Any, Self

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import momentum_resets
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import Outcome
from gradclip.core.policies.update_clipping import split_update_clipping
from gradclip.errors import ConfigurationError
from gradclip.torch import amp, in_place
from gradclip.torch.clipper import Clipper
from gradclip.torch.dropping import Dropping
from gradclip.torch.guards import check_outside_backward
from gradclip.torch.hooks import (
    Arguments,
    Closure,
    Hook,
    Keywords,
    Nesting,
    closure_of,
    owners,
    with_closure,
)
from gradclip.torch.moments import reset_moments
from gradclip.torch.names import NamedParameters
from gradclip.torch.updates import UpdateClipping


def attach(
    optimizer: torch.optim.Optimizer,
    policy: object,
    model: torch.nn.Module | None = None,
    *,
    nonfinite: NonFinite = "skip",
    max_skipped: int | None = 10,
) -> "Attached":
    """Clip the gradients of an optimizer's parameters right before each of its steps.

    Args:
        optimizer: Any `torch.optim.Optimizer`; an accelerate optimizer's own one is found.
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        model: What names the parameters, for reports and patterns.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step, so that
            neither parameters nor the optimizer's state change, and counts it; `"raise"`,
            `"zero"` and `"propagate"` as in `Clipper`.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Returns:
        What reports on the steps and can be detached again.

    Raises:
        ConfigurationError: The optimizer is none, or has a policy already; or another argument
            is not what it should be.

    Example:
        >>> import torch, gradclip
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> attached = gradclip.torch.attach(optimizer, gradclip.GlobalNorm(1.0), model)
        >>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
        >>> optimizer.step()
        >>> print(attached.report)
        norm 5 -> 1, limit 1, scale 0.2
          weight  5 -> 1
    """
    own = _own(optimizer)
    for owner in owners(own):
        msg = (
            f"An optimizer can have one policy, got a second one besides {owner!r}. Chain them, "
            "or detach() the first."
        )
        raise ConfigurationError(msg)
    return Attached(own, policy, model, nonfinite=nonfinite, max_skipped=max_skipped)


class Attached:
    """A policy at work in an optimizer; `attach` makes it.

    Attributes:
        optimizer: The optimizer.
        policy: The policy.

    Example:
        >>> import torch, gradclip
        >>> weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> optimizer = torch.optim.SGD([weight], lr=1.0)
        >>> with gradclip.torch.attach(optimizer, "norm=1"):
        ...     (weight**2).sum().backward()
        ...     optimizer.step()
        >>> weight.data
        tensor([2.4000, 3.2000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        policy: object,
        model: torch.nn.Module | None,
        *,
        nonfinite: NonFinite,
        max_skipped: int | None,
    ) -> None:
        self.optimizer = optimizer
        self.policy = resolve_policy(policy)
        of_gradients, of_updates = split_update_clipping(self.policy)
        self._clipper = Clipper(of_gradients, nonfinite=nonfinite, max_skipped=max_skipped)
        self._updates = UpdateClipping(optimizer, of_updates) if of_updates else None
        self._parameters = NamedParameters(optimizer, model)
        self._dropping = Dropping(optimizer)
        self._nesting = Nesting(optimizer)
        self._outcome: Outcome | None = None  # what the step under way came to so far
        self._applied = 0
        self._handles = (
            optimizer.register_step_pre_hook(Hook(self, self._before)),
            optimizer.register_step_post_hook(Hook(self, self._after)),
        )

    def detach(self) -> None:
        """Let the optimizer step on gradients as they come again."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def __repr__(self) -> str:
        return f"Attached({type(self.optimizer).__name__}, {self.policy!r})"

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return self._clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not."""
        return self._clipper.skipped_in_a_row

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened.

        The optimizer's own `state_dict` knows nothing of it: save both.
        """
        return {**self._clipper.state_dict(), "applied": self._applied}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; whether it fits is seen at the next step."""
        self._clipper.load_state_dict(state_dict)
        self._applied = state_dict["applied"]

    def _before(
        self, _: object, args: Arguments, kwargs: Keywords
    ) -> tuple[Arguments, Keywords] | None:
        """Clip, or have the closure clip that is going to compute the gradients."""
        if not self._nesting.enter():
            return None
        self._dropping.restore()  # if the last step raised
        self._outcome = None
        closure = closure_of(args, kwargs)
        if closure is not None:
            return with_closure(args, kwargs, self._clipping(closure))
        self._clip()
        return None

    @torch.no_grad()
    def _after(self, *_: object) -> None:
        """Bring hidden gradients back, and see to the optimizer's updates and moments."""
        if not self._nesting.leave():
            return
        if self._updates is not None:
            self._updates.after()
        self._dropping.restore()
        if self._outcome is not None and self._outcome.skipped is not True:
            self._applied += 1
            self._reset()

    def _clipping(self, closure: Closure) -> Closure:
        """Return a closure whose gradients are clipped."""

        def clipped() -> Any:
            loss = closure()
            self._clip()
            return loss

        return clipped

    @torch.no_grad()
    def _clip(self) -> None:
        """Clip the gradients that there are now."""
        if amp.will_skip(self.optimizer):
            return
        check_outside_backward(self._clipper.policy)
        parameters, names = self._parameters.read()
        gradients = in_place.read(parameters)
        if not any(g is not None for g in gradients):
            self._clipper.guard.no_gradients()
            return
        outcome = self._decide(parameters, gradients, names)
        self._apply(parameters, gradients, outcome)
        if self._updates is not None:
            self._updates.before(parameters)

    def _decide(
        self, parameters: list[Tensor], gradients: in_place.Gradients, names: tuple[str, ...]
    ) -> Outcome:
        """Decide on the gradients, those of a scaled loss as if it were not scaled."""
        factor = amp.unscaling(self.optimizer)
        if self._outcome is None:
            self._outcome = self._clipper.decide(gradients, parameters, names, factor)
            self._clipper.guard.measured(self._outcome.report, self.optimizer)
            self._clipper.count(amp.without_overflow(self._outcome, self.optimizer))
        else:
            self._outcome = self._clipper.decide_again(gradients, parameters, names, factor)
        return self._outcome

    def _apply(
        self, parameters: list[Tensor], gradients: in_place.Gradients, outcome: Outcome
    ) -> None:
        """Write the clipped gradients, or have the step dropped."""
        if outcome.skipped is True:
            self._dropping.drop(parameters)
            return
        if isinstance(outcome.skipped, Tensor) and not self._dropping.drop_if(outcome.skipped):
            self._clipper.guard.cannot_drop(self.optimizer)
        in_place.write(parameters, gradients, outcome.batch)
        amp.mark_unscaled(self.optimizer)

    def _reset(self) -> None:
        """Set the optimizer's moments to zero where it is time."""
        parameters, names = self._parameters.read()
        for every, governed in momentum_resets(self.policy, names):
            if self._applied % every:
                continue
            chosen = [p for p, name in zip(parameters, names, strict=True) if name in governed]
            if not reset_moments(self.optimizer, chosen):
                self._clipper.guard.no_moments(self.optimizer)


def _own(optimizer: Any) -> torch.optim.Optimizer:
    """Return the optimizer that steps: wrappers such as accelerate's hold it.

    Raises:
        ConfigurationError: There is none.
    """
    inner = optimizer
    while not hasattr(inner, "_optimizer_step_pre_hooks") and hasattr(inner, "optimizer"):
        inner = inner.optimizer
    if isinstance(inner, torch.optim.Optimizer):
        return inner
    msg = f"`optimizer` must be a torch.optim.Optimizer, got {optimizer!r}."
    raise ConfigurationError(msg)
