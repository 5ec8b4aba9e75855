"""A rank's files of a run, put together: what of each still holds, and where it is."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gradclip.record.layout import FACTORS, SUMMARIES, Kind, Row
from gradclip.record.segment import SUFFIX, SegmentName, SegmentReader


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one set of files that no later set has repeated.

    Attributes:
        readers: The set's files by kind.
        start: The first row.
        stop: The row behind the last.
    """

    readers: dict[Kind, SegmentReader]
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def part(self, start: int, stop: int) -> Self:
        """Return some of the rows as a piece."""
        return replace(self, start=start, stop=stop)

    def steps(self, start: int, stop: int) -> tuple[Row, Row, int]:
        """Return some rows of steps and of their tensors, and how many were damaged.

        Tensors whose record alone is damaged are NaN.
        """
        steps, sound = self.readers["steps"].read(start, stop)
        tensors, whole = self.readers["tensors"].read(start, start + len(steps))
        lost = np.flatnonzero(~whole)
        for name in tensors.dtype.names or ():
            if tensors.dtype[name].base.kind == "f":
                tensors[name][lost] = np.nan
        return steps[sound], tensors[: len(steps)][sound], int((~sound | ~whole).sum())

    def numbers(self) -> tuple[Row, int]:
        """Return the rows of steps without their tensors, and how many were damaged."""
        steps, sound = self.readers["steps"].read(self.start, self.stop)
        num_damaged = int((~sound).sum())
        return (steps[sound] if num_damaged else steps), num_damaged  # a long run is not copied

    def updates(self) -> range:
        """Return which rows of the updates are of these steps."""
        reader, steps = self.readers.get("updates"), self.readers["steps"]
        first = _step_at(steps, self.start, self.stop)
        if reader is None or first is None:
            return range(0)
        behind = _step_at(steps, self.stop, len(steps))
        end = np.inf if behind is None else behind
        return range(_row_of(reader, first, len(reader)), _row_of(reader, end, len(reader)))

    def updates_at(self, places: NDArray[np.int64]) -> Row:
        """Return some rows of the updates, without those that are damaged."""
        reader = self.readers["updates"]
        if len(places) and len(places) == places[-1] - places[0] + 1:
            rows, sound = reader.read(int(places[0]), int(places[-1]) + 1)
            return rows[sound]
        parts = [reader.read(place, place + 1) for place in places.tolist()]
        return np.concatenate([np.zeros(0, reader.layout), *(rows[sound] for rows, sound in parts)])

    def summaries(self, factor: int, start: int, stop: int) -> tuple[Row, bool]:
        """Return the summaries start..stop of `factor` steps each, and whether all are sound."""
        rows, sound = self.readers[SUMMARIES[FACTORS.index(factor)]].read(start, stop)
        return rows, bool(sound.all()) and len(rows) == stop - start

    def num_summaries(self, factor: int) -> int:
        """Return how many summaries of `factor` steps there are."""
        reader = self.readers.get(SUMMARIES[FACTORS.index(factor)])
        return 0 if reader is None else len(reader)


class Store:
    """The files of one rank.

    Args:
        directory: The run's.
        rank: Whose they are.

    Attributes:
        ranks: All ranks of which there are files.
        foreign: The names of files that look like ours and are not.
    """

    def __init__(self, directory: Path, rank: int = 0) -> None:
        self._directory, self._rank = directory, rank
        self._sets: dict[int, dict[Kind, SegmentReader]] = defaultdict(dict)
        self.ranks: set[int] = set()
        self.foreign: set[str] = set()

    @property
    def num_sets(self) -> int:
        """How many sets of files there are; each but the first may hide steps of those before."""
        return len(self._sets)

    def refresh(self) -> None:
        """Look for new files."""
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            name = SegmentName.parse(path.name)
            if name is None:
                self.foreign.add(path.name)
                continue
            self.ranks.add(name.rank)
            if name.rank == self._rank and name.kind not in self._sets[name.number]:
                self._open(path, name)

    def pieces(self, first: int | None = None, last: int | None = None) -> list[Piece]:
        """Return what holds of the steps first..last, both included, in order.

        Args:
            first: The first step; None for the first that there is.
            last: The last step; None for the last that there is.
        """
        pieces: list[Piece] = []
        end = np.inf if last is None else last + 1
        for _, readers in sorted(self._sets.items(), reverse=True):
            if not {"steps", "tensors"} <= readers.keys():
                continue
            count = min(len(readers["steps"]), len(readers["tensors"]))
            stop = _row_of(readers["steps"], end, count)
            start = 0 if first is None else _row_of(readers["steps"], first, stop)
            if start < stop:
                pieces.append(Piece(readers, start, stop))
            begin = _step_at(readers["steps"], 0, count)
            end = end if begin is None else min(end, begin)
        return pieces[::-1]

    def last_step(self) -> int | None:
        """Return the number of the last step whose record is sound; None if there is none."""
        for piece in reversed(self.pieces()):
            for row in reversed(range(piece.start, piece.stop)):
                rows, sound = piece.readers["steps"].read(row, row + 1)
                if sound.all() and len(rows):
                    return int(rows["step"][0])
        return None

    def _open(self, path: Path, name: SegmentName) -> None:
        """Open a file, unless nothing has been written to it yet."""
        if not path.stat().st_size:
            return
        try:
            self._sets[name.number][name.kind] = SegmentReader(path)
            self.foreign.discard(path.name)
        except ValueError:
            self.foreign.add(path.name)


def _row_of(reader: SegmentReader, step: float, count: int) -> int:
    """Return the first of `count` rows whose step is not less than a step."""
    low, high = 0, count
    if step == np.inf:
        return count
    while low < high:
        middle = (low + high) // 2
        found = _step_at(reader, middle, high)
        if found is not None and found < step:
            low = middle + 1
        else:
            high = middle
    return low


def _step_at(reader: SegmentReader, row: int, stop: int) -> int | None:
    """Return the step of a row, or of the next sound one before `stop`."""
    while row < stop:
        rows, sound = reader.read(row, row + 1)
        if sound.all() and len(rows):
            return int(rows["step"][0])
        row += 1
    return None
