"""A policy attached to an optimizer: gradients are clipped right before each of its steps."""

from typing import Any, Self

import torch

from gradclip.core.decide import NonFinite
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.errors import ConfigurationError
from gradclip.record.recorder import Recorder
from gradclip.torch.folding import Folding
from gradclip.torch.hooks import (
    Arguments,
    Hook,
    Keywords,
    Nesting,
    closure_of,
    owners,
    with_closure,
)
from gradclip.torch.names import NamedParameters
from gradclip.torch.steps import Steps


def attach(  # noqa: PLR0913 - what there is to choose
    optimizer: torch.optim.Optimizer,
    policy: object,
    model: torch.nn.Module | None = None,
    *,
    nonfinite: NonFinite = "skip",
    max_skipped: int | None = 10,
    statistics: bool = False,
    recorder: Recorder | None = None,
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
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.
        recorder: What records every step, with the first group's learning rate, and now and then
            the update really applied; `recorder.note(loss=loss)` before the step adds the loss.

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
    steps = Steps(
        own,
        policy,
        NamedParameters(own, model),
        nonfinite=nonfinite,
        max_skipped=max_skipped,
        statistics=statistics,
        folding=Folding(own),
        recorder=recorder,
    )
    return Attached(own, steps)


class Attached:
    """A policy at work in an optimizer; `attach` makes it.

    Attributes:
        optimizer: The optimizer.

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

    def __init__(self, optimizer: torch.optim.Optimizer, steps: Steps) -> None:
        self.optimizer = optimizer
        self._steps = steps
        self._nesting = Nesting(optimizer)
        self._handles = (
            optimizer.register_step_pre_hook(Hook(self, self._before)),
            optimizer.register_step_post_hook(Hook(self, self._after)),
        )

    def detach(self) -> None:
        """Let the optimizer step on gradients as they come again."""
        for handle in self._handles:
            handle.remove()
        self._steps.begin()  # which tidies up after a step that raised

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def __repr__(self) -> str:
        return f"Attached({type(self.optimizer).__name__}, {self.policy!r})"

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self._steps.policy

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._steps.clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps; on a device this waits."""
        return self._steps.clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not; on a device this waits."""
        return self._steps.clipper.skipped_in_a_row

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened: lists and numbers.

        The optimizer's own `state_dict` knows nothing of it: save both.
        """
        return self._steps.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; whether it fits is seen at the next step."""
        self._steps.load_state_dict(state_dict)

    def expect_clipped(self) -> None:
        """Do not warn of gradients that something else has clipped: it is known."""
        self._steps.clipper.guard.expect_clipped()

    def _before(
        self, _: object, args: Arguments, kwargs: Keywords
    ) -> tuple[Arguments, Keywords] | None:
        """Clip, or have the closure clip that is going to compute the gradients."""
        if not self._nesting.enter():
            return None
        self._steps.begin()
        closure = closure_of(args, kwargs)
        if closure is not None:
            return with_closure(args, kwargs, self._steps.clipping(closure))
        self._steps.clip()
        return None

    def _after(self, *_: object) -> None:
        """Tidy up after the step."""
        if self._nesting.leave():
            self._steps.end()


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
