"""Finds the runs below a directory, and tells whether one has changed."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradclip.record.schema import RUN_FILE
from gradclip.record.segment import SUFFIX

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far the search for runs goes.

    Attributes:
        depth: How many folders deep.
        folders: How many folders are looked into.
        runs: How many runs are listed.
    """

    depth: int = 8
    folders: int = 20_000
    runs: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        paths: The runs' places below the directory, with `/` between; "" is the directory itself.
        complete: Whether all was looked into.
    """

    paths: tuple[str, ...]
    complete: bool


def find_runs(directory: Path, limits: Limits = Limits()) -> Found:
    """Return the runs below a directory: folders that have a `run.json`.

    Links are not followed, what is hidden is left out, and a run is not searched for more.

    Args:
        directory: Where to look; it may be a run itself.
        limits: Where to stop.

    Returns:
        The runs, those nearest to the directory first.

    Example:
        >>> find_runs(Path("no-such-folder"))
        Found(paths=(), complete=True)
    """
    paths: list[str] = []
    waiting = deque([("", 0)])
    seen, complete = 0, True
    while waiting:
        path, depth = waiting.popleft()
        seen += 1
        if seen > limits.folders or len(paths) >= limits.runs:
            return Found(paths=tuple(paths), complete=False)
        is_run, folders = _look(directory / path)
        if is_run:
            paths.append(path)
        elif depth < limits.depth:
            waiting.extend((f"{path}/{name}".lstrip("/"), depth + 1) for name in folders)
        else:
            complete = complete and not folders
    return Found(paths=tuple(paths), complete=complete)


def signature(folder: Path) -> Signature:
    """Return what changes when a run does: its files' names, sizes and `run.json`'s time.

    Args:
        folder: The run's.

    Returns:
        Something to compare; empty where the folder is gone.
    """
    return tuple(sorted(_files(folder)))


def changed_at(folder: Path) -> float:
    """Return when a run's files last changed, in seconds since 1970; 0 where there are none."""
    times = [0.0]
    for entry in _entries(folder):
        if _is_of_run(entry.name):
            try:
                times.append(entry.stat().st_mtime)
            except OSError:  # gone meanwhile
                continue
    return max(times)


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield a run's files: name, size, and of `run.json`, which keeps its size, the time."""
    for entry in _entries(folder):
        if _is_of_run(entry.name):
            try:
                status = entry.stat()
            except OSError:  # gone meanwhile
                continue
            yield entry.name, status.st_size, status.st_mtime_ns * (entry.name == RUN_FILE)


def _is_of_run(name: str) -> bool:
    return name == RUN_FILE or name.endswith((SUFFIX, ".jsonl"))


def _look(folder: Path) -> tuple[bool, list[str]]:
    """Return whether a folder is a run, and the folders in it."""
    entries = _entries(folder)
    if any(entry.name == RUN_FILE and entry.is_file(follow_symlinks=False) for entry in entries):
        return True, []
    folders = [entry.name for entry in entries if _is_open(entry)]
    return False, sorted(folders)


def _is_open(entry: os.DirEntry[str]) -> bool:
    """Return whether to look into a folder: not into what is hidden or cannot be written."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:  # no address can hold it
        return False
    hidden = entry.name.startswith(".") or "\\" in entry.name
    return not hidden and entry.is_dir(follow_symlinks=False)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
