"""One process that is followed: the session's beginning and end."""

import atexit
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from gradclip.instrumenting.imports import current, is_first
from gradclip.instrumenting.leaving import Leaving
from gradclip.instrumenting.serving import show_page
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings, from_environment


def session_of_environment() -> Session:
    """Return a session as the process's environment asks for it.

    Raises:
        ConfigurationError: A variable is not what it should be.
    """
    return begin_session(from_environment(os.environ))


def begin_session(settings: Settings) -> Session:
    """Return a session that ends with the process.

    Args:
        settings: What was asked for.
    """
    session = Session(settings)
    end = _End(session)
    atexit.register(end)
    session.at_begin(end.come_first)
    process = os.getpid()
    session.at_close(lambda closed: _say(closed, process))
    if settings.serve:
        session.at_begin(show_page)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=session.forget_fork)
    return session


class _End:
    """Closes a session as its process ends.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._leaving = Leaving()
        self._leaving.watch()

    def __call__(self) -> None:
        """Close the session with the error that ends the program, if one does."""
        error = _uncaught() or self._leaving.error
        with _terminal():
            self._session.close(error)
        if isinstance(error, KeyboardInterrupt):
            _stay_interrupted()

    def come_first(self, session: Session) -> None:
        """Run before what else ends with the process: frameworks that let go of their devices."""
        del session
        atexit.unregister(self)
        atexit.register(self)
        if _is_child():  # it ends without what is registered there
            sys.modules["multiprocessing.util"].Finalize(None, self, exitpriority=0)


def _say(session: Session, process: int) -> None:
    """Say what a session came to that was made in a process, of which this one may be a fork."""
    asked = is_first() or (os.getpid() == process and _is_asked_for_here())
    first = asked and _uncaught() is None
    importlib.import_module("gradclip.instrumenting.closing").closing(session, first=first)


def _stay_interrupted() -> None:
    """Have Python end as after a Ctrl-C that nobody caught, by that signal.

    It forgets that when a text is executed while it ends, as dataclasses do when they are made.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")


def _uncaught() -> BaseException | None:
    """Return the exception that ends the program; of a prompt's past errors none does.

    Children of multiprocessing say at once that they end, and keep it to themselves why.
    """
    if hasattr(sys, "ps1"):
        return None
    return getattr(sys, "last_value", None) or (sys.exc_info()[1] if _is_child() else None)


def _is_child() -> bool:
    """Return whether multiprocessing has started this process."""
    return "multiprocessing.util" in sys.modules and bool(
        sys.modules["multiprocessing.process"].parent_process()
    )


def _is_asked_for_here() -> bool:
    """Return whether the program has called `gradclip.instrument`, and is nobody's child."""
    imports = current()
    return imports is not None and not imports.asked and not _is_child()


@contextlib.contextmanager
def _terminal() -> Iterator[None]:
    """Have standard error go to the terminal where a notebook's kernel was started.

    No cell is there to show what a kernel writes as it ends.
    """
    terminal = _opened_terminal()
    if terminal is None:
        yield
        return
    with terminal, contextlib.redirect_stderr(terminal):
        yield


def _opened_terminal() -> TextIO | None:
    """Return that terminal; None where this is no kernel, or has none."""
    if type(sys.stderr).__module__.partition(".")[0] != "ipykernel":
        return None
    with contextlib.suppress(OSError, ValueError):
        return os.fdopen(os.dup(sys.stderr.fileno()), "w")
    with contextlib.suppress(OSError):  # where kernels leave file 2 alone
        return os.fdopen(os.dup(2), "w")
    return None
