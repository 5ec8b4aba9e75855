"""Steps within compiled functions, in which hooks are not called: seen from around the call."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Module

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.loops import Loops
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.rounds import Part
from gradclip.instrumenting.torch.stepping import Stepping

Function = Callable[..., Any]
_TRIALS = 3  # calls with gradients at hand after which a function that changes nothing is let be
_NOT_CLIPPED = (
    "--clip is not applied to steps within torch.compile, which are compiled as they are. Call "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) before the compiled function."
)


class UncompiledHook:
    """A hook that is not there for compilers: what they compile is what it is without it.

    Args:
        function: What it calls.
    """

    def __init__(self, function: Function) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return None if torch.compiler.is_compiling() else self._function(*args)


class CompiledSteps:
    """Look at gradients before compiled functions are called, and at what has changed after.

    Args:
        session: Where the steps go.
        fleet: The optimizers.
        loops: What knows whether there are gradients that no step has got.
        arrivals: What is known of gradients as they came.
        losses: What was differentiated.
    """

    def __init__(
        self, session: Session, fleet: Fleet, loops: Loops, arrivals: Arrivals, losses: Losses
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._loops = loops
        self._arrivals = arrivals
        self._losses = losses

    def before(self) -> list[tuple["_Watched", Stepping]]:
        """Return what could step, and begin to watch it."""
        found = []
        recorder, due = self._session.recorder, self._session.due
        measured = due and (recorder is None or recorder.wants_update)
        for trained in self._fleet.all():
            optimizer = trained.optimizer
            if optimizer is not None and any(p.grad is not None for p in trained.parameters):
                known = self._fleet.of(optimizer)
                stepping = Stepping(optimizer, known, None, due=due, measured=measured)
                stepping.gradients(self._arrivals, None)
                found.append((_Watched(known), stepping))
        return found

    def after(self, watched: list[tuple["_Watched", Stepping]]) -> list[Part]:
        """Return the parts of the optimizers that have stepped."""
        ended = [stepping.end(self._arrivals) for one, stepping in watched if one.has_changed()]
        parts = [part for part in ended if part is not None]
        if parts:
            parts[0].loss = self._losses.take()
            self._loops.stepped()
            if self._session.settings.clip is not None:
                self._session.say(_NOT_CLIPPED)
        return parts


class _Watched:
    """Parameters that may be changed by a call."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._versions = self._read()

    def has_changed(self) -> bool:
        """Tell whether they have been written to."""
        return self._read() != self._versions

    def _read(self) -> list[int]:
        return [p._version for p in self._trained.parameters]  # noqa: SLF001 - there is no other


class Around:
    """What is called in the place of compiled functions.

    Args:
        before: Returns what may be changed by a call; nothing where nobody asks.
        after: Takes that, and returns whether there was a step.
    """

    def __init__(self, before: Callable[[], Any], after: Callable[[Any], bool]) -> None:
        self._before = before
        self._after = after

    def compiling(self, compile_function: Function) -> Function:
        """Return `torch.compile` so that functions which it compiles are watched."""

        @functools.wraps(compile_function)
        def compile_(*args: Any, **kwargs: Any) -> Any:
            compiled = compile_function(*args, **kwargs)
            given = args[0] if args else kwargs.get("model")
            if given is None or isinstance(given, Module | type):
                return compiled  # a decorator, which calls `torch.compile` in its turn, or a model
            return self._watched(compiled)

        return compile_

    def _watched(self, function: Function) -> Function:
        left = _TRIALS

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if not left or torch.compiler.is_compiling():
                return function(*args, **kwargs)
            watched = self._before()
            result = function(*args, **kwargs)
            if watched:
                left = _TRIALS if self._after(watched) else left - 1
            return result

        return call
