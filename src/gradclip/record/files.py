"""The files that one process writes into a run: what belongs together, one step after the other."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gradclip.record import layout as layouts
from gradclip.record.layout import FACTORS, SUMMARIES, Kind, Row
from gradclip.record.rows import (
    real_type,
    step_rows,
    summary_of,
    summary_of_summaries,
    tensor_rows,
    update_rows,
)
from gradclip.record.schema import StepRecord
from gradclip.record.segment import SUFFIX, SegmentName, SegmentWriter

_SUMMARIZED: tuple[Kind, Kind] = ("steps", "tensors")


class Files:
    """A set of new files for steps of one form: P tensors, with statistics or without.

    Args:
        directory: The run's.
        rank: Whose process writes.
        first: The first step, whose form all others have.

    Raises:
        OSError: The disk refused them.
    """

    def __init__(self, directory: Path, rank: int, first: StepRecord) -> None:
        self._directory, self._rank = directory, rank
        self._form = form_of(first)
        self._last = -1
        num_parameters, real, statistics = self._form
        self._layouts: dict[Kind, np.dtype[np.void]] = {
            "steps": layouts.steps_layout(),
            "tensors": layouts.tensors_layout(num_parameters, real, statistics=statistics),
            "updates": layouts.updates_layout(num_parameters, real),
        }
        self._summaries = layouts.summaries_layout(self._layouts["tensors"])
        self._grouped = layouts.grouped_layout(self._summaries)
        self._writers: dict[Kind, SegmentWriter] = {}
        self._number = self._reserve()
        fine = FACTORS[0]
        self._num_pending = 0  # steps since the last summary
        self._pending = [np.zeros(fine, self._layouts[kind]) for kind in _SUMMARIZED]
        # Summaries since the last one of several of them, level by level.
        self._finer: list[list[bytes]] = [[] for _ in FACTORS]
        self._summarizing = True

    def follows(self, record: StepRecord) -> bool:
        """Tell whether a step can be written behind the others: it is later, of their form."""
        return record.step > self._last and form_of(record) == self._form

    def append(self, records: Sequence[StepRecord]) -> None:
        """Write steps that follow each other.

        Raises:
            OSError: The disk refused them, and none is there.
        """
        steps = step_rows(records, self._layouts["steps"])
        tensors = tensor_rows(records, self._layouts["tensors"])
        # A step is there when its own record is, which is therefore the last.
        writer = self._writers["tensors"]
        writer.append(tensors)
        try:
            self._writers["steps"].append(steps)
        except BaseException:
            writer.take_back(len(tensors))
            raise
        self._last = records[-1].step
        updates = [r for r in records if r.update_norms is not None]
        with contextlib.suppress(OSError):  # what is made of the steps can be made again
            if updates:
                self._opened("updates", self._layouts["updates"]).append(
                    update_rows(updates, self._layouts["updates"])
                )
        try:
            self._summarize(steps, tensors)
        except OSError:  # later ones would not be where a reader looks for them
            self._summarizing = False

    def close(self) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()

    def _reserve(self) -> int:
        """Create the steps' and the tensors' files under the next free number, and return it."""
        number = 0
        for path in self._directory.glob(f"*-rank{self._rank}{SUFFIX}"):
            name = SegmentName.parse(path.name)
            number = max(number, name.number + 1 if name else 0)
        while True:
            try:
                self._number = number
                self._opened("tensors", self._layouts["tensors"])
                self._opened("steps", self._layouts["steps"])
            except FileExistsError:  # another process was faster
                number += 1
            else:
                return number

    def _opened(self, kind: Kind, layout: np.dtype[np.void]) -> SegmentWriter:
        """Return the writer of a file, made when it is needed."""
        if kind not in self._writers:
            name = SegmentName(self._rank, self._number, kind)
            self._writers[kind] = SegmentWriter(self._directory / name.file, layout)
        return self._writers[kind]

    def _summarize(self, *rows: Row) -> None:
        """Write the summaries that are full, of steps and their tensors."""
        if not self._summarizing:
            return
        done, count = 0, len(rows[0])
        while done < count:
            start = self._num_pending
            taken = min(FACTORS[0] - start, count - done)
            for pending, given in zip(self._pending, rows, strict=True):
                pending[start : start + taken] = given[done : done + taken]
            done += taken
            self._num_pending = (start + taken) % FACTORS[0]
            if not self._num_pending:
                self._write_summaries()

    def _write_summaries(self) -> None:
        """Write the summary of the steps that wait for it, and those of summaries that are full."""
        summary = summary_of(self._pending[0], self._pending[1], self._grouped)
        for level, kind in enumerate(SUMMARIES):
            self._opened(kind, self._summaries).append(summary)
            finer = self._finer[level]
            finer.append(summary.tobytes())
            if len(finer) < FACTORS[min(level + 1, len(FACTORS) - 1)] // FACTORS[level]:
                return
            # Joining the bytes spares NumPy a look at every field.
            summary = summary_of_summaries(np.frombuffer(b"".join(finer), self._grouped))
            finer.clear()


def form_of(record: StepRecord) -> tuple[int, str, bool]:
    """Return what steps in one file have in common: P, the type of norms, and statistics or not."""
    return len(record.norms_before), real_type(record), record.largest is not None
