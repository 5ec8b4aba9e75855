"""The files that one process writes into a run: what belongs together, one step after the other."""

import contextlib
from pathlib import Path

import numpy as np

from gradclip.record import layout as layouts
from gradclip.record.block import Block, Form
from gradclip.record.layout import FACTORS, SUMMARIES, Kind, Row
from gradclip.record.rows import (
    step_rows,
    summaries_of,
    summary_of_summaries,
    tensor_rows,
    update_rows,
)
from gradclip.record.segment import SUFFIX, SegmentName, SegmentWriter


class Files:
    """A set of new files for steps of one form: P tensors, with statistics or without.

    Args:
        directory: The run's.
        rank: Whose process writes.
        form: What the steps have in common.

    Raises:
        OSError: The disk refused them.
    """

    def __init__(self, directory: Path, rank: int, form: Form) -> None:
        self._directory, self._rank = directory, rank
        self._form = form
        self._last = -1
        num_parameters, real, statistics = form
        self._layouts: dict[Kind, np.dtype[np.void]] = {
            "steps": layouts.steps_layout(),
            "tensors": layouts.tensors_layout(num_parameters, real, statistics=statistics),
            "updates": layouts.updates_layout(num_parameters, real),
        }
        self._summaries = layouts.summaries_layout(self._layouts["tensors"])
        self._grouped = layouts.grouped_layout(self._summaries)
        self._writers: dict[Kind, SegmentWriter] = {}
        self._number = self._reserve()
        self._num_pending = 0  # steps since the last summary
        self._pending: list[tuple[Row, Row]] = []  # their records, as they were written
        # Summaries since the last one of several of them, level by level.
        self._finer: list[list[bytes]] = [[] for _ in FACTORS]
        self._summarizing = True

    def follows(self, block: Block) -> bool:
        """Tell whether steps can be written behind the others: they are later, of their form."""
        return bool(block.steps[0] > self._last) and block.form == self._form

    def append(self, block: Block) -> None:
        """Write steps that follow each other.

        Raises:
            OSError: The disk refused them, and none is there.
        """
        steps = step_rows(block, self._layouts["steps"])
        tensors = tensor_rows(block, self._layouts["tensors"])
        # A step is there when its own record is, which is therefore the last.
        writer = self._writers["tensors"]
        writer.append(tensors)
        try:
            self._writers["steps"].append(steps)
        except BaseException:
            writer.take_back(len(tensors))
            raise
        self._last = int(block.steps[-1])
        with contextlib.suppress(OSError):  # what is made of the steps can be made again
            if block.updates:
                self._opened("updates", self._layouts["updates"]).append(
                    update_rows(block, self._layouts["updates"])
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
        """Write the summaries that are full, of steps and their tensors."""
        if not self._summarizing:
            return
        self._pending.append((steps, tensors))
        self._num_pending += len(steps)
        rest = self._num_pending % FACTORS[0]
        full = self._num_pending - rest
        if not full:
            return
        steps, tensors = (np.concatenate(rows) for rows in zip(*self._pending, strict=True))
        # A copy, which does not hold all others.
        self._pending, self._num_pending = [(steps[full:].copy(), tensors[full:].copy())], rest
        self._write_summaries(summaries_of(steps[:full], tensors[:full], FACTORS[0], self._grouped))

    def _write_summaries(self, summaries: Row, level: int = 0) -> None:
        """Write summaries, and those of them that are full."""
        self._opened(SUMMARIES[level], self._summaries).append(summaries)
        if level + 1 == len(FACTORS):
            return
        finer, size = self._finer[level], FACTORS[level + 1] // FACTORS[level]
        for summary in summaries:
            finer.append(summary.tobytes())
            if len(finer) == size:
                # Joining the bytes spares NumPy a look at every field.
                coarse = summary_of_summaries(np.frombuffer(b"".join(finer), self._grouped))
                finer.clear()
                self._write_summaries(coarse, level + 1)
