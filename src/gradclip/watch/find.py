"""Finds which run is meant by a folder that may hold several."""

from dataclasses import dataclass
from pathlib import Path

from gradclip.record.schema import RUN_FILE


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A run, and those beside it that were not chosen.

    Attributes:
        path: The run's directory.
        others: The names of the other runs in the folder that was named, oldest first.
    """

    path: Path
    others: tuple[str, ...] = ()


def find_run(folder: Path) -> Found:
    """Return the run in a folder: itself, or the one inside that was written to last.

    Args:
        folder: A run's directory, or a folder of runs as `gradclip demo --compare` leaves it.

    Returns:
        The run. Where there is none it is the folder itself, for its reader to say so.

    Example:
        >>> find_run(Path("no-such-folder")).path.as_posix()
        'no-such-folder'
    """
    if (folder / RUN_FILE).exists():
        return Found(path=folder)
    runs = sorted((path.parent for path in folder.glob(f"*/{RUN_FILE}")), key=written_at)
    if not runs:
        return Found(path=folder)
    return Found(path=runs[-1], others=tuple(path.name for path in runs[:-1]))


def written_at(run: Path) -> float:
    """Return when something of a run was last written, in seconds since 1970; 0 for never."""
    times = (_modified(path) for path in (run / RUN_FILE, *run.glob("steps*")))
    return max(times, default=0.0)


def _modified(path: Path) -> float:
    """Return when a file was last written; 0 if it is gone by now."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
