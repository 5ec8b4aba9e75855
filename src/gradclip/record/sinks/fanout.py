"""Hands steps to sinks, and goes on without one that fails."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.sink import Sink


class Fanout:
    """Hand steps to sinks, in the recorder's thread.

    Args:
        sinks: The sinks, opened.

    Attributes:
        failures: What went wrong, a text for each sink that is off now; whoever says it takes it.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self.failures: deque[str] = deque()  # which two threads may use at once

    def __bool__(self) -> bool:
        """Tell whether there is a sink that takes steps."""
        return bool(self._sinks)

    @classmethod
    def opened(cls, sinks: Sequence[Sink], metadata: Metadata) -> Self:
        """Open sinks: all, or after an exception none."""
        ready = cls(())
        try:
            for sink in sinks:
                sink.open(metadata)
                ready._sinks.append(sink)
        except BaseException:
            ready.close("failed")
            raise
        return ready

    def write(self, records: Sequence[StepRecord]) -> None:
        """Hand steps over."""
        self._each(lambda sink: sink.write(records))

    def close(self, status: Status) -> None:
        """Close all sinks."""
        self._each(lambda sink: sink.close(status))
        self._sinks = []

    def _each(self, call: Callable[[Sink], None]) -> None:
        for sink in [*self._sinks]:
            try:
                call(sink)
            except Exception as error:  # noqa: BLE001 - the run goes on, whatever a sink meets
                self._sinks.remove(sink)
                name = type(sink).__name__
                self.failures.append(f"{name} is switched off: {type(error).__name__}: {error}")
