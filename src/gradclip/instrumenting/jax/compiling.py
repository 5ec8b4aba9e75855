"""`jax.jit` with one more output: what was seen of training steps."""

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

import wrapt

from gradclip.instrumenting.jax.follower import Follower
from gradclip.instrumenting.jax.seen import Seen

_DUE = "gradclip_due"  # by name, for the program counts its arguments
_NOT_BY_NAME = {"in_shardings", "abstracted_axes"}  # JAX refuses arguments by name beside these


def following_jit(jit: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return `jax.jit` that has what it compiles followed.

    Args:
        jit: JAX's own.
        follower: Who is told.
    """

    @functools.wraps(jit)
    def following(*functions: Any, **options: Any) -> Any:
        if not functions and "fun" not in options:
            return lambda function: following(function, **options)
        if len(functions) != 1:
            return jit(*functions, **options)
        return Compiled(jit, functions[0], options, follower)

    return following


class Compiled(wrapt.ObjectProxy):  # type: ignore[type-arg]  # wrapt's is none at run time
    """A compiled function that keeps what was seen in it from its caller.

    Whatever else it is asked for (`lower`, `trace`, ...), the program's own function answers.

    Args:
        jit: JAX's own.
        function: The program's function.
        options: What the program gave to `jit`.
        follower: Who is told what is seen.
    """

    def __init__(
        self,
        jit: Callable[..., Any],
        function: Callable[..., Any],
        options: dict[str, Any],
        follower: Follower,
    ) -> None:
        super().__init__(jit(function, **options))
        shardings = options.get("out_shardings")
        more = {} if "out_shardings" not in options else {"out_shardings": (shardings, None)}
        self._self_returning = jit(_returning_seen(function, follower), **options | more)
        self._self_follower = follower
        self._self_may_choose = not (_NOT_BY_NAME & options.keys())
        self._self_steps: int | None = None  # that the last call made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._self_may_choose:
            result, seen = self._self_returning(*args, **kwargs)
            return self._passed_on(result, seen, measured=True)
        due = self._self_follower.due(self._self_steps)
        chosen = self._self_follower.flags(due) if type(due) is bool else due
        result, seen = self._self_returning(*args, **kwargs, **{_DUE: chosen})
        return self._passed_on(result, seen, measured=due is not False)

    def _passed_on(self, result: Any, seen: list[Seen], *, measured: bool) -> Any:
        """Return the program's result when what was seen has been handed on.

        Raises:
            StopTraining: It ended the last step that was asked for.
        """
        self._self_steps = self._self_follower.pass_on(seen, measured=measured) if seen else 0
        return result

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)

    def _cache_size(self) -> int:
        """Return how often it was compiled."""
        return int(self._self_returning._cache_size() + self.__wrapped__._cache_size())  # noqa: SLF001 - as its own

    def clear_cache(self) -> None:
        """Forget what was compiled."""
        self.__wrapped__.clear_cache()
        self._self_returning.clear_cache()


def _returning_seen(function: Callable[..., Any], follower: Follower) -> Callable[..., Any]:
    """Return a function that also returns what was seen while it was traced."""

    @functools.wraps(function)
    def returning(*args: Any, **kwargs: Any) -> Any:
        due = kwargs.pop(_DUE, None)
        with follower.frames.tracing(follower.finish, due) as frame:
            result = function(*args, **kwargs)
        return result, frame.seen

    return returning
