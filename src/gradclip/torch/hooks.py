"""Hooks around an optimizer's step."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]
Closure = Callable[[], Any]
_STEP = torch.optim.Optimizer.profile_hook_step.__code__.co_filename


class Hook:
    """A hook that tells whose it is, and that compilers leave to Python.

    Args:
        owner: Whose it is.
        function: What it calls.
    """

    def __init__(self, owner: object, function: Callable[..., Any]) -> None:
        self.owner = owner
        self._function = function
        self._apart = torch.compiler.disable(function)  # type: ignore[no-untyped-call]  # torch's

    def __call__(self, *args: Any) -> Any:
        # Called by Python, what keeps compilers out costs as much as a decision.
        return self._apart(*args) if torch.compiler.is_compiling() else self._function(*args)


def owners(optimizer: torch.optim.Optimizer) -> list[object]:
    """Return whose hooks an optimizer has."""
    hooks = optimizer._optimizer_step_pre_hooks.values()  # noqa: SLF001 - there is no other list
    return [hook.owner for hook in hooks if isinstance(hook, Hook)]


def closure_of(args: Arguments, kwargs: Keywords) -> Closure | None:
    """Return the closure among the arguments of `step`, of which the first is the optimizer."""
    closure: Closure | None = kwargs.get("closure", args[1] if len(args) > 1 else None)
    return closure


def with_closure(args: Arguments, kwargs: Keywords, closure: Closure) -> tuple[Arguments, Keywords]:
    """Return the arguments with another closure in place of the one there is."""
    if "closure" in kwargs:
        return args, {**kwargs, "closure": closure}
    return (args[0], closure, *args[2:]), kwargs


class Nesting:
    """Tell steps from steps within them: a class whose `step` calls that of its base has both.

    Args:
        optimizer: The optimizer; None for all of them, of which one may step within another.
    """

    def __init__(self, optimizer: torch.optim.Optimizer | None = None) -> None:
        self._optimizer = optimizer
        self._depth = 0

    def enter(self) -> bool:
        """Return whether a step that begins is the outermost."""
        if self._depth and self._running() <= 1:
            self._depth = 0  # the last one raised and never ended
        self._depth += 1
        return self._depth == 1

    def leave(self) -> bool:
        """Return whether a step that ends is the outermost."""
        self._depth -= 1
        return self._depth == 0

    def _running(self) -> int:
        """Return how many calls of the optimizer's step are on the stack."""
        frame = inspect.currentframe()
        count = 0
        while frame is not None:
            if frame.f_code.co_filename == _STEP and frame.f_code.co_name == "wrapper":
                stepping = frame.f_locals.get("self")
                count += self._optimizer is None or stepping is self._optimizer
            frame = frame.f_back
        return count
