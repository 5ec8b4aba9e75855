"""The environment in which a program is followed, and how it takes this process's place."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from gradclip.instrumenting.settings import PREFIX, Settings

START = Path(__file__).parent / "start"
FIRST = f"{PREFIX}PROCESS"  # the variable with the process that was started to be followed
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
    others = {name: text for name, text in environ.items() if not name.startswith(PREFIX)}
    before = [p for p in environ.get("PYTHONPATH", "").split(os.pathsep) if p != str(START)]
    path = os.pathsep.join([str(START), *filter(None, before)])
    return {**others, **settings.environment(), "PYTHONPATH": path}


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
