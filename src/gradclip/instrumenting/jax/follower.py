"""Follows training steps from within programs to the host."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax import Array

from gradclip.instrumenting.jax.frames import Frame, Frames, Gradients, is_staged, is_traced
from gradclip.instrumenting.jax.looking import Looked, look, look_compiled
from gradclip.instrumenting.jax.seen import Seen
from gradclip.instrumenting.jax.steps import Steps
from gradclip.instrumenting.session import Session
from gradclip.jax.names import Named, take_apart


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What an optimizer's step did, traced or not.

    Attributes:
        gradients: What it got.
        clipped: The same as its own clipping left it; None if it clips nothing.
        norms_after: Returns the norms of that within a program, given those before.
        params: The parameters; None if it was not told.
        moved: What is to be added to them.
        numbers: Numbers () that are known besides.
        source: The optimizer's number.
        optimizer: What it is, in a word.
    """

    gradients: Named
    clipped: Named | None
    norms_after: Callable[[Array], Array]
    params: Named | None
    moved: Named
    numbers: Mapping[str, Any] = field(default_factory=dict)
    source: int
    optimizer: str


class Follower:
    """What JAX's and optax's hooks tell of what they see, traced or not.

    Args:
        session: Where steps go.

    Attributes:
        session: The same.
        frames: The functions that are being traced.
        steps: What is told of values that are there.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.frames = Frames()
        self.steps = Steps(session)

    def pass_on(self, seen: Sequence[Seen]) -> None:
        """Hand on what was seen: to the function that is traced, or to the run.

        Raises:
            StopTraining: It ended the last step that was asked for.
        """
        frame = self.frames.current
        if frame is not None:
            frame.seen.extend(seen)
        elif not is_traced(seen):
            self.steps.take(seen)
        elif is_staged(seen):
            for each in seen:
                jax.debug.callback(_Telling(self.steps, each), each.packed)

    def differentiated(self, loss: Any, gradients: Any) -> None:
        """Be told of gradients that were computed.

        Raises:
            StopTraining: As `pass_on`.
        """
        if self.steps.silent:
            return
        seen: list[Seen] = []
        with self.session.ours():
            seen = self._differentiated(Gradients(take_apart(gradients), loss))
        self.pass_on(seen)

    def updated(self, update: Update) -> None:
        """Be told of an optimizer's step.

        Raises:
            StopTraining: As `pass_on`.
        """
        if self.steps.silent:
            return
        seen: list[Seen] = []
        with self.session.ours():
            if _has_tensors(update.gradients):
                seen = [self._updated(update)]
        self.pass_on(seen)

    def finish(self, frame: Frame) -> None:
        """Have a function return what of its gradients no step has taken."""
        with self.session.ours():
            frame.seen.extend(map(_alone, frame.gradients))
        frame.gradients = []

    def _differentiated(self, found: Gradients) -> list[Seen]:
        """Return what gradients tell at once; others wait for the step that takes them."""
        frame, values = self.frames.current, (found.named.leaves, found.loss)
        if not _has_tensors(found.named):
            return []
        if frame is not None:
            frame.gradients.append(found)
        elif is_staged(values):
            return [_alone(found)]
        elif not is_traced(values):
            if self.steps.by_gradients:
                return [_alone(found, look_compiled)]
            self.frames.outside.gradients.append(found)
        return []

    def _updated(self, update: Update) -> Seen:
        """Return what is seen of a step."""
        traced = is_traced((update.gradients.leaves, update.moved.leaves))
        frame = self.frames.current if traced else self.frames.outside
        found = _taken(frame, update.gradients) if frame is not None else []
        came = found[0].named if len(found) == 1 else update.gradients
        own = _are_same(came, update.gradients)
        looked = Looked(
            before=came.tensors,
            entering=None if own else update.gradients.tensors,
            after=None if traced or update.clipped is None else update.clipped.tensors,
            **_applied(update),
        )
        losses = [gradients.loss for gradients in found]
        numbers = {**update.numbers, **({"loss": sum(losses)} if losses else {})}
        after = update.norms_after if traced and update.clipped is not None else None
        done = look if traced else look_compiled
        return done(looked, numbers, update.gradients.names, update.source, update.optimizer, after)


class _Telling:
    """What a program calls where nothing can be returned."""

    def __init__(self, steps: Steps, seen: Seen) -> None:
        self._steps, self._layout = steps, seen.layout

    def __call__(self, packed: Any) -> None:
        self._steps.take_within([Seen(packed, self._layout)])


def _taken(frame: Frame, entering: Named) -> list[Gradients]:
    """Return the gradients that a step follows, and forget them."""
    found = [each for each in frame.gradients if each.named.names == entering.names]
    frame.gradients = [each for each in frame.gradients if each.named.names != entering.names]
    return [each for each in found if not _is_gone(each)]


def _applied(update: Update) -> dict[str, Any]:
    """Return the weights and what is added to them; nothing if one lacks."""
    weights, moved = update.params, update.moved
    if weights is None or not weights.names == moved.names == update.gradients.names:
        return {}
    return {"weights": weights.tensors, "updates": moved.tensors}


def _alone(found: Gradients, done: Callable[..., Seen] = look) -> Seen:
    """Return what gradients without a step tell."""
    return done(Looked(before=found.named.tensors), {"loss": found.loss}, found.named.names)


def _has_tensors(named: Named) -> bool:
    return any(tensor is not None for tensor in named.tensors)


def _are_same(one: Named, other: Named) -> bool:
    return all(x is y for x, y in zip(one.leaves, other.leaves, strict=True))


def _is_gone(found: Gradients) -> bool:
    """Tell whether the program gave gradients' memory to something else."""
    return any(
        getattr(leaf, "is_deleted", bool)()
        for leaf in jax.tree.leaves(found.named.leaves)
        if not isinstance(leaf, jax.core.Tracer)
    )
