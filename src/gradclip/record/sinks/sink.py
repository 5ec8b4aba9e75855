"""What a sink is."""

from collections.abc import Sequence
from typing import Protocol

from gradclip.record.schema import Metadata, Status, StepRecord


class Sink(Protocol):
    """Take steps to somewhere else.

    A `Recorder` opens it where it is made itself, and does the rest in its thread, after the run
    has the steps. Whatever `write` or `close` raise switches the sink off, with a warning.
    """

    def open(self, metadata: Metadata) -> None:
        """Begin.

        Args:
            metadata: What is known before the first step.
        """

    def write(self, records: Sequence[StepRecord]) -> None:
        """Take steps.

        Args:
            records: Some steps, in order; all that there are come, call by call.
        """

    def close(self, status: Status) -> None:
        """End.

        Args:
            status: How the run ended.
        """
