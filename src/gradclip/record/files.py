"""The files that one process writes into a run: what belongs together, one step after the other."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gradclip.record import layout as layouts
from gradclip.record.layout import FACTORS, Kind, Row
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
        self._writers: dict[Kind, SegmentWriter] = {}
        self._number = self._reserve()
        self._pending: list[tuple[Row, Row]] = []  # steps since the last summary
        self._finer: list[Row] = []  # summaries since the last one of summaries
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

    def _summarize(self, steps: Row, tensors: Row) -> None:
        """Write the summaries that are full."""
        if not self._summarizing:
            return
        self._pending += [(steps[i : i + 1], tensors[i : i + 1]) for i in range(len(steps))]
        fine, coarse = FACTORS
        while len(self._pending) >= fine:
            full, self._pending = self._pending[:fine], self._pending[fine:]
            rows = [np.concatenate(part) for part in zip(*full, strict=True)]
            summary = summary_of(rows[0], rows[1], self._summaries)
            self._opened("summaries-32", self._summaries).append(summary)
            self._finer.append(summary)
            if len(self._finer) == coarse // fine:
                several = np.concatenate(self._finer)
                self._finer = []
                self._opened("summaries-1024", self._summaries).append(
                    summary_of_summaries(several)
                )


def form_of(record: StepRecord) -> tuple[int, str, bool]:
    """Return what steps in one file have in common: P, the type of norms, and statistics or not."""
    return len(record.norms_before), real_type(record), record.largest is not None
