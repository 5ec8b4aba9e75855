"""Steps as lines of JSON, for programs that follow a file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from gradclip.record.disk import writing
from gradclip.record.encoding import to_line
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice


class JsonLines:
    """Write a line of JSON for each step that is chosen, at the end of a file.

    A line has `step`, `time` and the numbers by name, such as `gradclip/global_norm_before`; NaN
    and infinities are text.

    Args:
        path: The file, made if missing, its folder too.
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int = 1, layers: int | None = 10
    ) -> None:
        self.path = Path(path)
        self._choice = Choice(every, layers)
        self._file: TextIO | None = None

    def open(self, metadata: Metadata) -> None:
        self._choice.names = [p.name for p in metadata.parameters]
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8", newline="\n")

    def write(self, records: Sequence[StepRecord]) -> None:
        if self._file is not None:
            for told in self._choice.of(records):
                line = {"step": told.step, "time": told.time, **told.flat()}
                self._file.write(to_line(line))
            self._file.flush()

    def close(self, status: Status) -> None:  # noqa: ARG002 - a sink's signature
        if self._file is not None:
            self._file.close()
