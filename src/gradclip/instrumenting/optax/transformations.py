"""Optax's transformations, the outermost of which tells what enters and what leaves it."""

import functools
import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from gradclip.instrumenting.jax.follower import Follower, Update
from gradclip.instrumenting.jax.frames import is_traced
from gradclip.instrumenting.jax.parameters import tensors_of
from gradclip.instrumenting.optax.accumulating import Accumulation
from gradclip.instrumenting.optax.clipping import Clipping, Kept, told
from gradclip.instrumenting.optax.describing import describe, learning_rate, maker
from gradclip.instrumenting.optax.outermost import CLIPS, Given, Outermost

# Updates of these alone are no training steps: they change what another transformation made.
_NO_STEPS = ("reduce_on_plateau", "ema", *CLIPS)
_NOT_KEPT = (
    "An optimizer got a state that its own init did not return: that step was not clipped. "
    "Clip it in the program: gradclip.optax.clipped(optimizer, policy)."
)
_ACCUMULATING = ("MultiSteps", "apply_every")
_MICRO_STEPS = (
    "Gradients are accumulated by a link within another transformation: each batch counts as a "
    "training step. Put optax.MultiSteps around all of it: "
    "optax.MultiSteps(optax.chain(...), every_k_schedule=k)."
)
_MARK = "_gradclip_number"


class _UnderWay(threading.local):
    """The outermost call in this thread."""

    update: Outermost | None = None
    init: bool = False


class _Source(NamedTuple):
    """Whose an update is."""

    number: int
    name: str
    accumulation: Accumulation | None


class Transformations:
    """All transformations that the program makes.

    Args:
        follower: Who is told of steps.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._under_way = _UnderWay()
        self._numbers = itertools.count(1)

    def followed(self, init: Any, update: Any) -> tuple[Any, Any]:
        """Return a transformation's two functions, followed.

        Args:
            init: What makes its state.
            update: What makes its step.
        """
        if not callable(update) or not callable(init) or hasattr(update, _MARK):
            return init, update
        number = next(self._numbers)
        clipping = self._clipping(init, update)
        return self._init(init, update, number, clipping), self._update(update, number, clipping)

    def follow_multi_steps(self, kind: type) -> None:
        """Follow the objects of `optax.MultiSteps`, which have `init` and `update` themselves.

        Args:
            kind: The class.
        """
        make = kind.__init__  # type: ignore[misc]  # that of a class
        init_of, update_of = self._init, self._update
        session, entered, numbers = self._follower.session, self._entered, self._numbers

        @functools.wraps(make)
        def followed(self: Any, *args: Any, **kwargs: Any) -> None:
            make(self, *args, **kwargs)
            accumulation = Accumulation(self, session.settings.clip, entered)
            number = next(numbers)
            init, update = self.init, self.update
            self.init = init_of(init, update, number, None)
            self.update = update_of(update, number, None, accumulation)

        kind.__init__ = followed  # type: ignore[misc]  # all of its objects shall be followed

    def _entered(self, gradients: Any) -> None:
        """Be told what the transformation within a `MultiSteps` gets."""
        if self._under_way.update is not None:
            self._under_way.update.enter(gradients)

    def _clipping(self, init: Callable[..., Any], update: Callable[..., Any]) -> Clipping | None:
        """Return what clips as was asked for, should the transformation be the outermost one."""
        policy = self._follower.session.settings.clip
        if policy is None or maker(update) in _NO_STEPS:
            return None
        return Clipping(init, update, policy)

    def _init(
        self,
        init: Callable[..., Any],
        update: Callable[..., Any],
        number: int,
        clipping: Clipping | None,
    ) -> Any:
        """Return an `init` that tells whose state it makes."""
        under_way = self._under_way

        @functools.wraps(init)
        def following(*args: Any, **kwargs: Any) -> Any:
            if under_way.init or under_way.update is not None:
                return init(*args, **kwargs)
            under_way.init = True
            try:
                state = (init if clipping is None else clipping.init)(*args, **kwargs)
            finally:
                under_way.init = False
            if maker(update) not in _NO_STEPS:
                params = args[0] if args else kwargs.get("params")
                with self._follower.session.ours():
                    self._follower.steps.expect(params, number)
            return state

        return following

    def _update(
        self,
        update: Callable[..., Any],
        number: int,
        clipping: Clipping | None,
        accumulation: Accumulation | None = None,
    ) -> Any:
        """Return an `update` that tells what it does."""
        under_way = self._under_way
        name = describe(update if accumulation is None else accumulation.update)

        @functools.wraps(update)
        def following(*args: Any, **kwargs: Any) -> Any:
            given = _given(args, kwargs)
            outer = under_way.update
            if outer is not None:
                result = update(*args, **kwargs)
                with self._follower.session.ours():
                    outer.link(update, given, result)
                    if maker(update) in _ACCUMULATING:
                        self._follower.session.say(_MICRO_STEPS)
                return result
            under_way.update = outer = Outermost(given.updates, given.updates)
            outer.params = given.params
            step = update
            if clipping is not None and isinstance(given.state, Kept):
                step = clipping.update
            elif clipping is not None:
                self._follower.session.say(_NOT_KEPT)
            try:
                result = step(*args, **kwargs)
            finally:
                under_way.update = None
            if maker(update) not in _NO_STEPS:
                self._tell(outer, given, result, _Source(number, name, accumulation))
            return result

        setattr(following, _MARK, number)
        return following

    def _tell(self, outer: Outermost, given: Given, result: Any, source: _Source) -> None:
        """Tell of the outermost update.

        Raises:
            StopTraining: It was the last step that was asked for.
        """
        update = None
        with self._follower.session.ours():
            update = _seen(outer, given, result, source)
        if update is not None:
            self._follower.updated(update)


def _seen(outer: Outermost, given: Given, result: Any, source: _Source) -> Update:
    """Return what is seen of an update."""
    moved, state = result
    rate = learning_rate(state)
    numbers = {} if rate is None else {"learning_rate": rate}
    kept, accumulation = state, source.accumulation
    if accumulation is not None:
        outer.gradients = accumulation.accumulated(given)
        if not is_traced(outer.gradients):  # what entered the links is, in branches of MultiSteps'
            outer.clipped = outer.clip(outer.gradients)
        numbers["emitted"] = accumulation.emitted(given.state, state)
        kept = accumulation.kept(state)
    return Update(
        gradients=tensors_of(outer.gradients),
        clipped=tensors_of(outer.clipped) if outer.clips else None,
        norms_after=outer.after,
        params=None if given.params is None else tensors_of(given.params),
        moved=tensors_of(moved),
        numbers=numbers,
        source=source.number,
        optimizer=source.name,
        report=told(kept) if isinstance(kept, Kept) else None,
        batches=None if accumulation is None else "mean" if accumulation.means else "sum",
    )


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    """Return what an update gets, by place or by name."""
    named = {name: kwargs[name] for name in Given._fields[len(args) :] if name in kwargs}
    return Given(*args[:3], **named)
