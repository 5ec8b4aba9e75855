"""`jax.jit` with one more output: what was seen of training steps."""

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

import wrapt

from gradclip.instrumenting.jax.follower import Follower


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result, seen = self._self_returning(*args, **kwargs)
        if seen:
            self._self_follower.pass_on(seen)
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
        with follower.frames.tracing(follower.finish) as frame:
            result = function(*args, **kwargs)
        return result, frame.seen

    return returning
