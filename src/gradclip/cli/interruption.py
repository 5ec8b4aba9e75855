"""Turns the first Ctrl-C into a request that a loop looks at between two steps."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Catch Ctrl-C while the `with` block runs; a second one interrupts at once.

    Attributes:
        requested: Whether Ctrl-C was pressed.

    Example:
        >>> with Interruption() as interruption:
        ...     signal.raise_signal(signal.SIGINT)
        >>> interruption.requested
        True
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
