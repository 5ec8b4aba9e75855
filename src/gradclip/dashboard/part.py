"""A run as the page reads it again and again: some steps alone, and what is known is not reread."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from gradclip.dashboard.discover import Signature, signature
from gradclip.dashboard.ranges import Range
from gradclip.dashboard.rows import Memory
from gradclip.record.reader import RunReader
from gradclip.record.run import Numbers, ThinRun, Updates

_KEPT = 4  # runs; of a million steps each takes 90 MB


class NumbersMemory:
    """The numbers of runs that were read already: of one that grows the new steps alone are read.

    Example:
        >>> NumbersMemory().known(Path("no-such-run"))
    """

    def __init__(self) -> None:
        self._memory: Memory[list[Numbers]] = Memory(_KEPT)

    def known(self, folder: Path) -> Numbers | None:
        """Return what was read of a run; None if it was not, or has begun anew somewhere."""
        held = self._held(folder)
        return held[-1] if held else None

    def keep(self, folder: Path, numbers: Numbers) -> None:
        """Keep what was read of a run."""
        self._held(folder)[:] = [numbers]

    def _held(self, folder: Path) -> list[Numbers]:
        return self._memory.get(folder, _files(folder), list)


class PartReader(RunReader):
    """Read of a run as if it had some steps alone, where no others are asked for.

    Args:
        path: The run's folder.
        part: Which steps.
        memory: What is known of runs.

    Raises:
        RunError: As in `open_run`.
    """

    def __init__(self, path: Path, part: Range, memory: NumbersMemory) -> None:
        self._part, self._memory = part, memory
        super().__init__(path)

    def thin(self, num_buckets: int, first: int | None = None, last: int | None = None) -> ThinRun:
        """Return buckets of the part, or of the steps given."""
        return super().thin(num_buckets, *self._within(first, last))

    def numbers(self, first: int | None = None, last: int | None = None) -> Numbers:
        """Return the numbers of the part's steps, or of the steps given."""
        asked = self._within(first, last)
        if asked != (None, None):
            return super().numbers(*asked)
        known = self._memory.known(self.path)
        if known is None or not len(known.steps):
            found = super().numbers()
        else:
            found = _joined(known, super().numbers(first=int(known.steps[-1]) + 1))
        self._memory.keep(self.path, found)
        return found

    def updates(
        self, num_rows: int | None = None, first: int | None = None, last: int | None = None
    ) -> Updates | None:
        """Return the updates of the part, or of the steps given."""
        return super().updates(num_rows, *self._within(first, last))

    def _within(self, first: int | None, last: int | None) -> tuple[int | None, int | None]:
        """Return the ends, those of the part where none is given."""
        part = self._part
        return (part.first if first is None else first, part.last if last is None else last)


def _files(folder: Path) -> Signature:
    """Return which files of steps there are: a new one may hide what the others hold."""
    return tuple((name, 0, 0) for name, _, _ in signature(folder) if not name.startswith("summ"))


def _joined(known: Numbers, new: Numbers) -> Numbers:
    """Return the steps that are known, and the new ones behind them."""
    if not len(new.steps):
        return known
    names = [f.name for f in fields(Numbers) if f.name != "damaged"]
    columns = {n: np.concatenate([getattr(known, n), getattr(new, n)]) for n in names}
    return Numbers(**columns, damaged=known.damaged + new.damaged)
