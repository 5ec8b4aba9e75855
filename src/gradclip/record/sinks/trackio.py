"""Steps in the active run of trackio."""

from collections.abc import Sequence
from typing import Any

from gradclip.errors import ConfigurationError
from gradclip.record.optional import optional
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice


class Trackio:
    """Log steps to the run that `trackio.init` began, under the steps' own numbers.

    Args:
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.
        MissingFrameworkError: trackio is not installed.
    """

    def __init__(self, *, every: int = 50, layers: int | None = 10) -> None:
        self._context = optional("trackio.context_vars", "trackio")
        self._choice = Choice(every, layers)
        self._run: Any = None

    def open(self, metadata: Metadata) -> None:
        """Find the active run; it is this thread's, and another one will write.

        Args:
            metadata: What is known before the first step.

        Raises:
            ConfigurationError: There is none.
        """
        self._choice.names = [p.name for p in metadata.parameters]
        self._run = self._context.current_run.get()
        if self._run is None:
            raise ConfigurationError(
                "Trackio logs to the active run: call trackio.init(...) first."
            )

    def write(self, records: Sequence[StepRecord]) -> None:
        for told in self._choice.of(records):
            self._run.log({"gradclip/step": told.step, **told.flat()})

    def close(self, status: Status) -> None:
        """Leave the run to whoever began it."""
