"""One process that is followed: the session's beginning and end."""

import atexit
import contextlib
import importlib
import os
import sys

from gradclip.instrumenting.imports import is_first
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
    session.at_close(_say)
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

    def __call__(self) -> None:
        """Close the session with the error that ends the program, if one does."""
        error = _uncaught()
        self._session.close(error)
        if isinstance(error, KeyboardInterrupt):
            _stay_interrupted()

    def come_first(self, session: Session) -> None:
        """Run before what else ends with the process: frameworks that let go of their devices."""
        del session
        atexit.unregister(self)
        atexit.register(self)
        # Children of multiprocessing end without what is registered there.
        util = sys.modules.get("multiprocessing.util")
        if util is not None and sys.modules["multiprocessing.process"].parent_process():
            util.Finalize(None, self, exitpriority=0)


def _say(session: Session) -> None:
    """Say what a session came to."""
    first = is_first() and _uncaught() is None
    importlib.import_module("gradclip.instrumenting.closing").closing(session, first=first)


def _stay_interrupted() -> None:
    """Have Python end as after a Ctrl-C that nobody caught, by that signal.

    It forgets that when a text is executed while it ends, as dataclasses do when they are made.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")


def _uncaught() -> BaseException | None:
    """Return the exception that ends the program; of a prompt's past errors none does."""
    return None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
