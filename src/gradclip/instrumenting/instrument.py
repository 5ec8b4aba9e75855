"""`gradclip.instrument()`: `gradclip run` from within a script or a notebook."""

import contextlib
import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from gradclip.errors import ConfigurationError
from gradclip.instrumenting.directory import free_directory, refuse_used
from gradclip.instrumenting.following import begin_session
from gradclip.instrumenting.imports import Imports, current
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings


def instrument(  # noqa: PLR0913 - as `gradclip run`
    *,
    clip: str | None = None,
    steps: int | None = None,
    every: int = 1,
    out: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    tensorboard: str | os.PathLike[str] | None = None,
    serve: bool = False,
) -> Session:
    """Record what this process trains from now on, as `gradclip run` does.

    Call it in the first line of a script, or in a notebook's cell before the optimizer is made.
    Frameworks are instrumented when they are imported, or now if they are already. The run
    begins with the first step, and ends with the process or the `with` block.

    Under `gradclip run` it does nothing: the command line has been asked already.

    Args:
        clip: A policy as text that clips every step's gradients, such as `"global-norm=1"`.
        steps: End the program after so many steps.
        every: Record every how many steps.
        out: The run directory; by default `runs/NAME-1`, `NAME-2`, ... by the script's name.
        quiet: Say nothing at the end.
        tensorboard: A folder for TensorBoard's files.
        serve: Show the live page while training lasts.

    Returns:
        The session, the same one if it is called again with the same arguments.

    Raises:
        ConfigurationError: An argument breaks a rule, or this process is followed already in
            another way.
        RunError: The directory is in use.

    Example:
        >>> import tempfile, gradclip
        >>> with gradclip.instrument(out=tempfile.mkdtemp(), every=10, quiet=True) as session:
        ...     pass  # your training
        >>> session
        <gradclip session: no steps, closed>
    """
    path = Path(out or free_directory(Path("runs"), _name())).absolute()
    settings = Settings(
        out=str(path),
        clip=clip,
        steps=steps,
        every=every,
        quiet=quiet,
        tensorboard=os.path.abspath(tensorboard) if tensorboard else None,  # noqa: PTH100 - a text
        serve=serve,
    )
    imports = current()
    if imports is None:
        _make_room(path)
        imports = Imports(lambda: begin_session(settings), asked=False)
        sys.meta_path.insert(0, imports)
        return imports.settle()
    session = imports.settle()
    if imports.asked:
        return session
    if session.closed:
        _make_room(path)
        session.reopen(settings)
    elif (
        replace(settings, out=session.settings.out if out is None else settings.out)
        != session.settings
    ):
        msg = (
            f"This process is followed already, with {session.settings}. "
            "Close that session first: session.close()."
        )
        raise ConfigurationError(msg)
    return session


def _make_room(path: Path) -> None:
    """Leave a run's directory to the first process that trains; an empty one is gone then.

    Raises:
        RunError: It is in use.
    """
    refuse_used(path)
    with contextlib.suppress(FileNotFoundError):
        path.rmdir()


def _name() -> str:
    """Return what this program's run is called: as its file, a notebook's too."""
    if "ipykernel" in sys.modules:
        return Path(importlib.import_module("gradclip.record.program").program()).stem
    return Path(sys.argv[0] or "run").stem or "run"
