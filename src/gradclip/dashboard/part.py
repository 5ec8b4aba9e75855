"""A run of which some steps alone are looked at."""

import os

from gradclip.dashboard.ranges import Range
from gradclip.record.reader import RunReader
from gradclip.record.run import Numbers, ThinRun, Updates


class PartReader(RunReader):
    """Read of a run as if it had some steps alone, where no others are asked for.

    Args:
        path: As in `open_run`.
        part: Which steps.

    Raises:
        RunError: As in `open_run`.
    """

    def __init__(self, path: str | os.PathLike[str], part: Range) -> None:
        self._part = part
        super().__init__(path)

    def thin(self, num_buckets: int, first: int | None = None, last: int | None = None) -> ThinRun:
        """Return buckets of the part, or of the steps given."""
        return super().thin(num_buckets, *self._within(first, last))

    def numbers(self, first: int | None = None, last: int | None = None) -> Numbers:
        """Return the numbers of the part's steps, or of the steps given."""
        return super().numbers(*self._within(first, last))

    def updates(
        self, num_rows: int | None = None, first: int | None = None, last: int | None = None
    ) -> Updates | None:
        """Return the updates of the part, or of the steps given."""
        return super().updates(num_rows, *self._within(first, last))

    def _within(self, first: int | None, last: int | None) -> tuple[int | None, int | None]:
        """Return the ends, those of the part where none is given."""
        part = self._part
        return (part.first if first is None else first, part.last if last is None else last)
