"""Steps in the active run of Weights & Biases."""

from collections.abc import Sequence
from typing import Any

from gradclip.errors import ConfigurationError
from gradclip.record.optional import optional
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice

_STEP = "gradclip/step"


class WandB:
    """Log steps to the run that `wandb.init` began, against a step of their own.

    Args:
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.
        commit: Whether each report is a row of its own. A program that gives `wandb.log` its own
            `step=` needs False: W&B drops rows whose step is not larger than the number of rows so
            far. The numbers then join the next row that the program logs.

    Raises:
        ConfigurationError: A number is out of range.
        MissingFrameworkError: wandb is not installed.
    """

    def __init__(self, *, every: int = 50, layers: int | None = 10, commit: bool = True) -> None:
        self._wandb = optional("wandb", "wandb")
        self._choice = Choice(every, layers)
        self._commit = commit
        self._run: Any = None

    def open(self, metadata: Metadata) -> None:
        """Find the active run.

        Args:
            metadata: What is known before the first step.

        Raises:
            ConfigurationError: There is none.
        """
        self._choice.names = [p.name for p in metadata.parameters]
        self._run = self._wandb.run
        if self._run is None:
            raise ConfigurationError("WandB logs to the active run: call wandb.init(...) first.")
        self._run.define_metric(_STEP, hidden=True)
        self._run.define_metric("gradclip/*", step_metric=_STEP)

    def write(self, records: Sequence[StepRecord]) -> None:
        for told in self._choice.of(records):
            self._run.log({_STEP: told.step, **told.flat()}, commit=self._commit)

    def close(self, status: Status) -> None:
        """Leave the run to whoever began it."""
