"""With which status a program leaves, as far as it says so by `sys.exit` or `exit`."""

import builtins
import functools
import inspect
import sys
import threading
from collections.abc import Callable
from typing import Any


class Leaving:
    """Remember with what `sys.exit` was called, unless the program catches it and goes on.

    At its end Python has let go of that exception and tells nobody. So each gets a mark that goes
    with it: if that happens while code of the program is running, the exception was caught.

    Attributes:
        error: The exception that `sys.exit` raised and nobody caught so far; None for none. It is
            one like it, since the exception itself keeps the program's variables alive.
    """

    def __init__(self) -> None:
        self.error: SystemExit | None = None

    def watch(self) -> None:
        """Be told of `sys.exit`, `exit` and `quit` from now on."""
        known, sys.exit = sys.exit, self._told(sys.exit)
        main = vars(sys.modules["__main__"])  # which may have imported it by name
        main.update({name: sys.exit for name, value in main.items() if value is known})
        kind: Any = type(getattr(builtins, "exit", None))
        if kind.__module__ == "_sitebuiltins":  # where `site` was loaded, and no other shell's
            kind.__call__ = self._told(kind.__call__)

    def _told(self, leave: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that remembers what another one raises."""

        @functools.wraps(leave)
        def exit_(*args: Any, **kwargs: Any) -> Any:
            try:
                return leave(*args, **kwargs)
            except SystemExit as error:
                self._mark(error)
                raise

        return exit_

    def _mark(self, error: SystemExit) -> None:
        """Remember an exception that is on its way, if it may end the process."""
        if threading.current_thread() is threading.main_thread():
            self.error = like = SystemExit(*error.args)
            vars(error)["_gradclip"] = _Mark(self, like)

    def caught(self, error: SystemExit) -> None:
        """Forget an exception: the program went on."""
        if self.error is error:
            self.error = None


class _Mark:
    """What goes with an exception.

    Args:
        leaving: What is told if the program goes on.
        like: What it remembers.
    """

    def __init__(self, leaving: Leaving, like: SystemExit) -> None:
        self._leaving = leaving
        self._like = like

    def __del__(self) -> None:
        frame = inspect.currentframe()
        if frame is not None and frame.f_back is not None:
            self._leaving.caught(self._like)

    def __reduce__(self) -> tuple[Any, ...]:
        return object, ()  # in another process it means nothing
