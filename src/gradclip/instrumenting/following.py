"""Follows the process that it runs in, as its environment asks."""

import atexit
import os
import sys

from gradclip.instrumenting.imports import follow
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import from_environment


def follow_this_process() -> Session:
    """Record what this process trains, from the frameworks' imports to its end.

    Returns:
        What its hooks tell what they see.
    """
    session = Session(from_environment(os.environ))
    atexit.register(lambda: session.close(getattr(sys, "last_value", None)))
    follow(session)
    return session
