"""What comes between a step and its reader: devices calculate while nobody waits for them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Within = AbstractContextManager[object]

_MARKERS: list[Callable[[], Within | None]] = []


def mark_by(marker: Callable[[], Within | None]) -> None:
    """Have a framework mark what its devices have been given to do when a step is recorded.

    Args:
        marker: Returns what a thread that reads the step enters, and within which what was given
            until now is done; None where there is nothing to wait for. It is called in the thread
            that trains.
    """
    if marker not in _MARKERS:
        _MARKERS.append(marker)


def mark() -> Within | None:
    """Return what to read the step under way within; None where it can be read as it is."""
    for marker in _MARKERS:
        found = marker()
        if found is not None:
            return found
    return None
