"""Says on standard error, as the program ends, what its training came to."""

import contextlib
import importlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gradclip.instrumenting.imports import FRAMEWORKS
from gradclip.instrumenting.session import Session

_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")  # as launchers tell a process of its own
_LABEL = 15  # cells in front of what is said
# What to add where training cannot be seen: the lines before the loop, and at each step.
_BY_HAND: Mapping[str, tuple[str, str]] = {
    "torch": (
        "clipper, pairs = gradclip.torch.Clipper(None), list(model.named_parameters()); "
        'recorder = gradclip.Recorder("{}", pairs)',
        "recorder.record(clipper.clip_(pairs), loss=loss)",
    ),
    "tensorflow": (
        "clipper, pairs = gradclip.tensorflow.Clipper(None), [(v.path, v) for v in variables]; "
        'recorder = gradclip.Recorder("{}", pairs)',
        "clipper(gradients); recorder.record(clipper.report, loss=loss)",
    ),
    "jax": (
        'clip, recorder = gradclip.optax.clip(None), gradclip.Recorder("{}", weights); '
        "state = clip.init(weights)",
        "_, state = clip.update(gradients, state); "
        "recorder.record(gradclip.optax.report(state), loss=loss)",
    ),
}


def closing(session: Session, *, first: bool = True) -> None:
    """Say what a followed program's training came to; nothing where another process says it.

    It never raises: whatever fails here, the program has done its work.

    Args:
        session: The session, closed.
        first: Whether this is the process that was started to be followed, which also says that
            there was nothing to see.
    """
    if session.settings.quiet or session.rank or sys.stderr is None:
        return
    with contextlib.suppress(Exception):
        sys.stdout.flush()  # what the program printed comes first
    with contextlib.suppress(Exception):
        _write(_text(session, first=first))


def next_commands(path: Path) -> str:
    """Return the commands that show a run, to be copied.

    Args:
        path: The run directory.
    """
    command, where = _command(), shlex.quote(str(path))
    return (
        f"{'run':{_LABEL}}{path}\n"
        f"{'next':{_LABEL}}{command} report {where}\n"
        f"{'':{_LABEL}}{command} watch {where}\n"
    )


def nothing_seen(notes: Iterable[str], imported: Iterable[str], out: str) -> str:
    """Return what to say where no step was recorded, and what to add.

    Args:
        notes: What the session's hooks had to say.
        imported: The frameworks that the program imported.
        out: Where the run would be.
    """
    return "".join(f"{line}\n" for line in _nothing(list(notes), list(imported), out))


def _text(session: Session, *, first: bool) -> str:
    """Return what there is to say."""
    if session.paths:
        summary = importlib.import_module("gradclip.instrumenting.summary").summarize(session)
        if summary is not None:
            drawn = importlib.import_module("gradclip.instrumenting.screen").drawn
            return f"\n{drawn(summary, session.notes)}{next_commands(_near(summary.path))}"
    if not (first or session.notes) or _is_another_rank() or _is_recorded(session.settings.out):
        return ""
    imported = [name for name in FRAMEWORKS if name in sys.modules and "." not in name]
    return "\n" + nothing_seen(session.notes, imported, str(_near(Path(session.settings.out))))


def _nothing(notes: list[str], imported: list[str], out: str) -> Iterator[str]:
    """Yield the lines of `nothing_seen`."""
    if not imported:
        frameworks = "PyTorch, Keras, TensorFlow or JAX"
        yield f"gradclip run  nothing was recorded: the program imported none of {frameworks}."
        return
    yield "gradclip run  no training step was seen, so that nothing was recorded"
    yield f"{'seen':{_LABEL}}{', '.join(imported)} imported"
    yield from (f"{'note':{_LABEL}}{note}" for note in notes)
    for name in imported:
        if name in _BY_HAND:
            before, each = _BY_HAND[name]
            yield f"{'add, once':{_LABEL}}{before.format(out)}"
            yield f"{'at each step':{_LABEL}}{each}"
            return


def _write(text: str) -> None:
    """Write to standard error, with a question mark for what its encoding lacks."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
    sys.stderr.flush()


def _command() -> str:
    """Return how `gradclip` is called: by its name, or by where it lies."""
    if shutil.which("gradclip"):
        return "gradclip"
    beside = Path(sys.executable).with_name("gradclip")
    return shlex.quote(str(_near(beside))) if beside.exists() else "gradclip"


def _near(path: Path) -> Path:
    """Return a path as seen from the current directory, where that is shorter."""
    with contextlib.suppress(ValueError, OSError):
        return path.absolute().relative_to(Path.cwd())
    return path


def _is_another_rank() -> bool:
    """Return whether a launcher says that another process is the first of this training."""
    return any(os.environ.get(name, "0") not in {"", "0"} for name in _RANKS)


def _is_recorded(out: str) -> bool:
    """Return whether some process has written the run: it says all that there is to say."""
    return (Path(out) / "run.json").exists()
