"""Follows training steps from within programs to the host."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax import Array
from jax._src.core import trace_state_clean

from gradclip.core.policies.report import Report
from gradclip.instrumenting.jax.frames import (
    Flags,
    Frame,
    Frames,
    Gradients,
    Unfinished,
    is_batched,
    is_staged,
    is_traced,
)
from gradclip.instrumenting.jax.looking import Looked, Told, look, look_compiled
from gradclip.instrumenting.jax.parameters import forms, tensors_of
from gradclip.instrumenting.jax.seen import Seen
from gradclip.instrumenting.jax.steps import Steps
from gradclip.instrumenting.jax.telling import is_on_several_devices, tell_within
from gradclip.instrumenting.session import Session
from gradclip.jax.names import Named

_APART = (
    "Steps are made in a branch or a loop of a compiled function that computes their gradients "
    "outside of it: losses and norms before may be those of the step next to theirs. Compute "
    "gradients where the step is made, or choose by optax.apply_if_finite instead of a branch."
)
_BATCHED = (
    "Steps within jax.vmap are not recorded: they are of several trainings at once. Train one of "
    "them without it, or record that one in the program: "
    "gradclip.Recorder(path, params).record(gradclip.optax.report(state), loss=loss)."
)


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
        report: What a policy of gradclip's told of it, if one clipped.
        batches: What the gradients are of those of several batches: their "mean" or "sum"; None
            of one batch. A number `emitted` tells then whether the optimizer stepped.
    """

    gradients: Named
    clipped: Named | None
    norms_after: Callable[[Array], Array]
    params: Named | None
    moved: Named
    numbers: Mapping[str, Any] = field(default_factory=dict)
    source: int
    optimizer: str
    report: Report | None = None
    batches: str | None = None


class Follower:
    """What JAX's and optax's hooks tell of what they see, traced or not.

    Args:
        session: Where steps go.

    Attributes:
        session: The same.
        frames: The functions that are being traced.
        flags: True and False as compiled functions take them.
        steps: What is told of values that are there.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.frames, self.flags = Frames(), Flags()
        self.steps = Steps(session)

    def due(self, steps: int | None) -> Any:
        """Tell whether a compiled function that is called is to look at weights and updates.

        Args:
            steps: How many steps it made when it was called last; None before that.

        Returns:
            Whether it is; to be computed, (), where another one is being traced.
        """
        frame = self.frames.current
        if frame is not None:
            return True if frame.due is None else frame.due
        # What is said to a program that is being traced, it is told for all its runs.
        return steps is None or not trace_state_clean() or self.steps.wants_update(steps)

    def pass_on(self, seen: Sequence[Seen], *, measured: bool = True) -> int:
        """Hand on what was seen: to the function that is traced, or to the run.

        Args:
            seen: What was seen.
            measured: Whether weights and updates were looked at.

        Returns:
            How many steps these were; 0 if they are still to be computed.

        Raises:
            StopTraining: It ended the last step that was asked for.
        """
        frame = self.frames.current
        if frame is not None:
            frame.seen.extend(seen)
        elif not any(isinstance(each.packed, jax.core.Tracer) for each in seen):
            return self.steps.take(seen, measured=measured)
        elif is_staged(seen):
            if self.frames.are_waiting and any(e.layout.source is not None for e in seen):
                self.session.say(_APART)
            for each in seen:
                tell_within(self.steps, each)
        elif any(each.layout.source is not None for each in seen) and is_batched(seen):
            self.session.say(_BATCHED)
        return 0

    def differentiated(self, loss: Any, gradients: Any) -> None:
        """Be told of gradients that were computed.

        Raises:
            StopTraining: As `pass_on`.
        """
        if self.steps.silent:
            return
        seen: list[Seen] = []
        with self.session.ours():
            seen = self._differentiated(Gradients(tensors_of(gradients), loss))
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
            if update.gradients.leaves:
                seen = self._updated(update)
        self.pass_on(seen)

    def applied(self, updates: Any, weights: Any) -> None:
        """Be told of weights that updates were added to.

        Args:
            updates: The updates.
            weights: The weights after it.
        """
        frame = self.frames.current
        if frame is None or not frame.unfinished:
            return
        with self.session.ours():
            added, moved = tensors_of(updates), tensors_of(weights)
            for each in frame.unfinished:
                if each.moved.names == added.names and _are_same(each.moved, added):
                    of_name = dict(zip(moved.names, moved.leaves, strict=True))
                    each.after = [of_name[name] for name in added.names]

    def finish(self, frame: Frame) -> None:
        """Have a function return what of its gradients no step has taken."""
        with self.session.ours():
            for each in reversed(frame.unfinished):
                frame.seen.insert(each.place, each.look(each.after))
            frame.seen[:0] = map(_alone, frame.gradients)
        frame.gradients, frame.unfinished = [], []

    def _differentiated(self, found: Gradients) -> list[Seen]:
        """Return what gradients tell at once; others wait for the step that takes them."""
        frame, values = self.frames.current, (found.named.leaves, found.loss)
        if not found.named.leaves:
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

    def _updated(self, update: Update) -> list[Seen]:
        """Return what is seen of a step at once; the rest of it waits for the weights after it."""
        entering = update.gradients
        traced = is_traced((entering.leaves, update.moved.leaves))
        frame = self.frames.current if traced else self.frames.outside
        several = self.steps.targets.are_several(entering)
        found = _taken(frame, entering, several) if frame is not None else []
        is_mean = update.batches is not None or is_on_several_devices()  # of what came
        came = found[0].named if len(found) == 1 and not is_mean else entering
        reported = update.report is not None
        clipped = None if reported else update.clipped
        looked = Looked(
            before=None if reported else came.leaves,
            entering=None if reported or _are_same(came, entering) else entering.leaves,
            after=None if traced or clipped is None else clipped.leaves,
            **(_applied(update) if traced or self.steps.wants_update(1) else {}),
        )
        losses = [gradients.loss for gradients in found]
        numbers = {**update.numbers, **({"loss": sum(losses)} if losses else {})}
        after = update.norms_after if traced and clipped is not None else None
        told = Told(
            entering.names, forms(entering), update.source, update.optimizer, after, update.batches
        )
        due = None if frame is None else frame.due  # outside of all it is None too
        if frame is None or not traced or looked.weights is None:
            done = look if traced else look_compiled
            return [done(looked, numbers, update.report, told, due)]

        def finished(after: list[Any] | None) -> Seen:
            return look(looked._replace(moved=after), numbers, update.report, told, due)

        frame.unfinished.append(Unfinished(len(frame.seen), update.moved, finished))
        return []


def _taken(frame: Frame, entering: Named, several: bool) -> list[Gradients]:  # noqa: FBT001 - known where it is called
    """Return the gradients that a step follows, by their names and shapes; forget them.

    Args:
        frame: Where they were computed.
        entering: What the optimizer gets.
        several: Whether others are trained whose names and shapes are the same: then those that
            the optimizer gets untouched are the ones.
    """
    shapes = forms(entering)
    found = [each for each in frame.gradients if forms(each.named) == shapes]
    found = [each for each in found if each.named.names == entering.names] or found
    if several:
        found = [each for each in found if _are_same(each.named, entering)] or found
    frame.gradients = [each for each in frame.gradients if each not in found]
    return [each for each in found if not _is_gone(each)]


def _applied(update: Update) -> dict[str, Any]:
    """Return the weights and what is added to them; nothing if one lacks."""
    names, moved = update.gradients.names, update.moved
    if update.params is None or moved.names != names:
        return {}
    of_name = dict(zip(update.params.names, update.params.leaves, strict=True))
    if not of_name.keys() >= set(names):
        return {}
    return {"weights": [of_name[name] for name in names], "updates": moved.leaves}


def _alone(found: Gradients, done: Callable[..., Seen] = look) -> Seen:
    """Return what gradients without a step tell."""
    told = Told(found.named.names, forms(found.named))
    return done(Looked(before=found.named.leaves), {"loss": found.loss}, None, told)


def _are_same(one: Named, other: Named) -> bool:
    return all(x is y for x, y in zip(one.leaves, other.leaves, strict=True))


def _is_gone(found: Gradients) -> bool:
    """Tell whether the program gave gradients' memory to something else."""
    leaves = (x for x in found.named.leaves if not isinstance(x, jax.core.Tracer))
    return any(leaf.is_deleted() for leaf in leaves if hasattr(leaf, "is_deleted"))
