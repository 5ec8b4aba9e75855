"""The environment in which a program is followed, and how it takes this process's place."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from gradclip.instrumenting.imports import FIRST
from gradclip.instrumenting.settings import PREFIX, Settings

START = Path(__file__).parent / "start"
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")  # which what is executed would inherit


def followed(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return the environment in which Python programs are followed.

    Args:
        environ: The environment as it is.
        settings: What is asked for.

    Example:
        >>> environ = followed({"PYTHONPATH": "mine"}, Settings(out="runs/mine"))
        >>> environ["PYTHONPATH"].endswith("mine"), environ["GRADCLIP_RUN_OUT"]
        (True, 'runs/mine')
    """
    plain = unfollowed(environ)
    path = os.pathsep.join(filter(None, [str(START), plain.get("PYTHONPATH")]))
    return {**plain, **settings.environment(), "PYTHONPATH": path}


def unfollowed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which nothing is followed.

    Args:
        environ: The environment as it is.

    Example:
        >>> unfollowed({"HOME": "/root", "GRADCLIP_RUN_OUT": "runs/mine"})
        {'HOME': '/root'}
    """
    plain = {name: text for name, text in environ.items() if not name.startswith(PREFIX)}
    if "PYTHONPATH" in plain:
        places = plain.pop("PYTHONPATH").split(os.pathsep)
        kept = os.pathsep.join(place for place in places if place != str(START))
        plain |= {"PYTHONPATH": kept} if kept else {}
    return plain


def become(command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Run a command in this process's place; on Windows, beside it until it ends.

    Args:
        command: A program and its arguments.
        environ: Its environment.

    Raises:
        OSError: It cannot be run.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        sys.exit(subprocess.run(command, env=environ, check=False).returncode)
    for name in _IGNORED_BY_PYTHON:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(command[0], list(command), {**environ, FIRST: str(os.getpid())})
