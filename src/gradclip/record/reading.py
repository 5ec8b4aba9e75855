"""Reads what a recorder was given, in its thread: at once where it can be, else step by step."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from gradclip.record.block import Block, blocks_of
from gradclip.record.convert import step_record
from gradclip.record.placing import spread
from gradclip.record.schema import StepRecord
from gradclip.record.together import Step, joined, stretches


class Reading:
    """Read steps; this may wait for a device.

    Args:
        length: How many parameters the run has.

    Attributes:
        refused: How many steps could not be read.
        trouble: Why the last one of them could not; None if all could.
    """

    def __init__(self, length: int) -> None:
        self.refused = 0
        self.trouble: Exception | None = None
        self._length = length
        self._unread = 0  # steps that are lost since the last one that was read

    def blocks(self, steps: Sequence[Step]) -> list[Block]:
        """Return steps as they are written.

        Args:
            steps: The steps, in order.
        """
        blocks: list[Block] = []
        for together, stretch in stretches(steps):
            block = self._joined(stretch) if together else None
            blocks += blocks_of(self.records(stretch)) if block is None else [block]
        return blocks

    def records(self, steps: Sequence[Step]) -> list[StepRecord]:
        """Return steps as sinks take them.

        Args:
            steps: The steps, in order.
        """
        records: list[StepRecord] = []
        for step in steps:
            try:
                with step.within or nullcontext():
                    record = self._read(step)
            except Exception as error:  # noqa: BLE001 - training goes on, whatever a report holds
                self.refused += 1
                self._unread += 1 + step.lost
                self.trouble = error
                continue
            lost = step.lost + self._unread
            records.append(replace(record, lost=lost) if lost else record)
            self._unread = 0
        return records

    def _read(self, step: Step) -> StepRecord:
        """Return a step."""
        return step_record(
            step.report,
            step=step.step,
            time=step.time,
            numbers=step.numbers,
            place=partial(spread, places=step.places, length=self._length),
        )

    def _joined(self, steps: Sequence[Step]) -> Block | None:
        """Return steps that can be read at once; None if one of them is not as it must be."""
        try:
            with steps[-1].within or nullcontext():  # which is done after those before it
                block = joined(steps, self._length)
        except Exception:  # noqa: BLE001 - read one by one, they tell which
            return None
        lost, self._unread = self._unread, 0
        return block.behind(lost) if lost else block
