"""Shows the live page while training lasts, from a process beside it."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from gradclip.instrumenting.launch import unfollowed
from gradclip.instrumenting.session import Session

_SERVER = "gradclip.cli.beside"  # by name: this room is below the command line
_PATIENCE = 5.0  # seconds in which it ends when asked to


def show_page(session: Session) -> None:
    """Serve the runs beside a session's run until it is closed, and say once where.

    The server reads a pipe that ends with this process, whatever ends it. Where several
    processes leave runs side by side, the first one's page shows them all.

    Args:
        session: The session, which has just begun.
    """
    path = session.paths[-1]
    if session.rank or path != Path(session.settings.out) or len(session.paths) > 1:
        return
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", _SERVER, str(path.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=unfollowed(os.environ),
        start_new_session=True,  # a Ctrl-C in the terminal is the program's
    )
    threading.Thread(target=_tell, args=(server.stdout,), daemon=True).start()
    session.at_close(lambda _: _end(server))


def _tell(lines: IO[str]) -> None:
    """Say where the page is, once it is there."""
    with lines:
        for line in lines:
            if "http" in line:
                sys.stderr.write(f"gradclip run: {line[0].lower()}{line[1:]}")
                sys.stderr.flush()


def _end(server: subprocess.Popen[str]) -> None:
    """End the server; in a child that was forked of training, leave it alone."""
    if server.stdin is not None:
        with suppress(OSError):
            server.stdin.close()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
