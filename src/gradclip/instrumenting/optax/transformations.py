"""Optax's transformations, the outermost of which tells what enters and what leaves it."""

import functools
import itertools
import threading
from collections.abc import Callable
from typing import Any

from gradclip.instrumenting.jax.follower import Follower, Update
from gradclip.instrumenting.jax.parameters import tensors_of
from gradclip.instrumenting.optax.clipping import Clipping, Kept, told
from gradclip.instrumenting.optax.describing import describe, learning_rate, maker
from gradclip.instrumenting.optax.outermost import CLIPS, Given, Outermost

# Updates of these alone are no training steps: they change what another transformation made.
_NO_STEPS = ("reduce_on_plateau", *CLIPS)
_NOT_KEPT = (
    "An optimizer got a state that its own init did not return: that step was not clipped. "
    "Clip it in the program: gradclip.optax.clipped(optimizer, policy)."
)
_MARK = "_gradclip_number"


class _UnderWay(threading.local):
    """The outermost call in this thread."""

    update: Outermost | None = None
    init: bool = False


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

    def follow_methods(self, kind: type) -> None:
        """Follow the objects of a class that has `init` and `update` itself.

        Args:
            kind: The class.
        """
        make = kind.__init__  # type: ignore[misc]  # that of a class
        follow = self.followed

        @functools.wraps(make)
        def followed(self: Any, *args: Any, **kwargs: Any) -> None:
            make(self, *args, **kwargs)
            self.init, self.update = follow(self.init, self.update)

        kind.__init__ = followed  # type: ignore[misc]  # all of its objects shall be followed

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

    def _update(self, update: Callable[..., Any], number: int, clipping: Clipping | None) -> Any:
        """Return an `update` that tells what it does."""
        under_way = self._under_way
        name = describe(update)

        @functools.wraps(update)
        def following(*args: Any, **kwargs: Any) -> Any:
            given = _given(args, kwargs)
            outer = under_way.update
            if outer is not None:
                result = update(*args, **kwargs)
                with self._follower.session.ours():
                    outer.link(update, given, result)
                return result
            under_way.update = outer = Outermost(given.updates, given.updates)
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
                self._tell(outer, given, result, (number, name))
            return result

        setattr(following, _MARK, number)
        return following

    def _tell(self, outer: Outermost, given: Given, result: Any, source: tuple[int, str]) -> None:
        """Tell of the outermost update.

        Raises:
            StopTraining: It was the last step that was asked for.
        """
        moved, state = result
        rate = learning_rate(state)
        self._follower.updated(
            Update(
                gradients=tensors_of(given.updates),
                clipped=tensors_of(outer.clipped) if outer.clips else None,
                norms_after=outer.after,
                params=None if given.params is None else tensors_of(given.params),
                moved=tensors_of(moved),
                numbers={} if rate is None else {"learning_rate": rate},
                source=source[0],
                optimizer=source[1],
                report=told(state) if isinstance(state, Kept) else None,
            )
        )


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    """Return what an update gets, by place or by name."""
    named = {name: kwargs[name] for name in Given._fields[len(args) :] if name in kwargs}
    return Given(*args[:3], **named)
