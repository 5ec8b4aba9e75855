"""A policy attached to an optimizer: gradients are clipped right before each of its steps."""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.policies.report import Report
from gradclip.errors import ConfigurationError
from gradclip.torch import in_place
from gradclip.torch.clipper import Clipper
from gradclip.torch.names import NamedParameters

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]


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
    clipper = Clipper(policy, nonfinite=nonfinite, max_skipped=max_skipped)
    return Attached(_own(optimizer), clipper, model)


class Attached:
    """A policy at work in an optimizer.

    Args:
        optimizer: The optimizer.
        clipper: The policy with its state.
        model: What names the parameters.

    Attributes:
        optimizer: The optimizer.
        clipper: The policy with its state.

    Raises:
        ConfigurationError: The optimizer has a policy already.

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
        clipper: Clipper,
        model: torch.nn.Module | None = None,
    ) -> None:
        check_free(optimizer)
        self.optimizer = optimizer
        self.clipper = clipper
        self._parameters = NamedParameters(optimizer, model)
        self._dropped: list[tuple[Tensor, Tensor]] = []
        self._handles = (
            optimizer.register_step_pre_hook(_Hook(self, self._before)),
            optimizer.register_step_post_hook(_Hook(self, self._after)),
        )

    def detach(self) -> None:
        """Let the optimizer step on gradients as they come again."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self.clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return self.clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not."""
        return self.clipper.skipped_in_a_row

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened.

        The optimizer's own `state_dict` knows nothing of it: save both.
        """
        return self.clipper.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.clipper.load_state_dict(state_dict)

    def _before(
        self, optimizer: torch.optim.Optimizer, args: Arguments, kwargs: Keywords
    ) -> tuple[Arguments, Keywords] | None:
        """Clip, or have the closure clip that is going to compute the gradients."""
        del optimizer
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self._clip()
            return None
        clipping = self._clipping(closure)
        if "closure" in kwargs:
            return args, {**kwargs, "closure": clipping}
        return (args[0], clipping, *args[2:]), kwargs

    def _after(self, *_: object) -> None:
        """Give back the gradients of a step that was dropped."""
        for parameter, gradient in self._dropped:
            if parameter.grad is None:
                parameter.grad = gradient
        self._dropped = []

    def _clipping(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """Return a closure whose gradients are clipped."""

        def clipped() -> Any:
            loss = closure()
            self._clip()
            return loss

        return clipped

    @torch.no_grad()
    def _clip(self) -> None:
        """Clip the gradients that there are now."""
        parameters, names = self._parameters.read()
        gradients = in_place.read(parameters)
        outcome = self.clipper.decide(gradients, parameters, names)
        self.clipper.count(outcome)
        if outcome.skipped is True:
            self._drop(parameters)
        else:
            in_place.write(parameters, gradients, outcome.batch)

    def _drop(self, parameters: list[Tensor]) -> None:
        """Hide the gradients: a parameter without one is left alone by every optimizer."""
        self._dropped = [(p, p.grad) for p in parameters if p.grad is not None]
        for parameter, _ in self._dropped:
            parameter.grad = None


class _Hook:
    """A hook that tells whose it is, and that compilers leave to Python."""

    def __init__(self, attached: Attached, function: Callable[..., Any]) -> None:
        self.attached = attached
        self._function = torch.compiler.disable(function)  # type: ignore[no-untyped-call]  # torch's

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)


def check_free(optimizer: torch.optim.Optimizer) -> None:
    """Raise if an optimizer has a policy already.

    Raises:
        ConfigurationError: It has.
    """
    hooks = optimizer._optimizer_step_pre_hooks.values()  # noqa: SLF001 - there is no other list
    for hook in hooks:
        if isinstance(hook, _Hook):
            msg = (
                "An optimizer can have one policy, got a second one besides "
                f"{hook.attached.clipper.policy!r}. Chain them, or detach() the first."
            )
            raise ConfigurationError(msg)


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
