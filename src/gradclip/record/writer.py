"""Writes a run directory so that a reader, a crash or Ctrl-C finds it whole at any moment."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gradclip.errors import RunError
from gradclip.record.block import Block, blocks_of
from gradclip.record.description import contents, read_description
from gradclip.record.disk import replace_text, writing
from gradclip.record.ending import ending
from gradclip.record.files import Files
from gradclip.record.process import this_process
from gradclip.record.schema import RUN_FILE, Metadata, Status, StepRecord
from gradclip.record.segment import SUFFIX


class RunWriter:
    """Write a run directory step by step.

    Every step is handed to the operating system before `write` returns, so a reader sees it at
    once, and neither Ctrl-C nor SIGKILL loses it. Leaving the `with` block settles the status if
    `finish` has not: `finished`, or `interrupted` on Ctrl-C, or `failed` on any other exception.

    A step whose number is not larger than the last one's begins anew there: what was written of
    it and of later steps before is hidden from then on, as training that goes back to a
    checkpoint does it.

    Args:
        path: The directory, made if missing.
        metadata: What is known before the first step.
        resume: Go on in a directory that holds a run of the same parameters; a new one is begun
            where there is none. Without it, the directory must not hold a run yet.
        rank: The process's number among several that write one run; 0 writes what they share.

    Raises:
        RunError: The directory holds a run already, or one of other parameters; or it cannot be
            written.

    Example:
        >>> import tempfile
        >>> from gradclip.record import Metadata, read_run
        >>> metadata = Metadata(
        ...     program="mine",
        ...     framework="numpy",
        ...     framework_version="2.4",
        ...     gradclip="0.1.0",
        ...     python="3.11",
        ...     parameters=(),
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with RunWriter(Path(folder, "run"), metadata) as writer:
        ...         writer.finish("finished", {"test_accuracy": 0.9})
        ...     read_run(Path(folder, "run")).status
        'finished'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        metadata: Metadata,
        *,
        resume: bool = False,
        rank: int = 0,
    ) -> None:
        self.path = Path(path)
        self._metadata = metadata
        self._rank = rank
        self._files: Files | None = None
        self._finished = False
        self._lost = 0  # steps that the disk refused since the last one that it took
        if resume or rank:
            self._metadata = _resumed(self.path, metadata)
        else:
            _refuse_existing(self.path)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._describe("running", None)

    def write(self, *records: StepRecord) -> None:
        """Append steps.

        Args:
            *records: The steps, in order, of one form: all with statistics or none.

        Raises:
            RunError: The disk refuses some. Those are not there then, all before still are, and a
                later call may succeed: its first step says how many are lost.
        """
        self.append(*blocks_of(records))

    def append(self, *blocks: Block) -> None:
        """Append steps that are columns already.

        Args:
            *blocks: The steps, in order.

        Raises:
            RunError: As in `write`.
        """
        left = sum(map(len, blocks))
        try:
            with writing(self.path):
                for block in blocks:
                    self._append(block)
                    left -= len(block)
        except RunError:
            self._lost += left
            raise

    def finish(self, status: Status, summary: Mapping[str, object] | None = None) -> None:
        """Settle how the run ended, and close its files; raise `RunError` if the disk refuses it.

        Args:
            status: `finished`, `interrupted` or `failed`.
            summary: What to keep of the whole run; numbers, text, mappings, sequences.
        """
        self._finished = True
        with writing(self.path):
            if self._files is not None:
                self._files.close()
        self._describe(status, summary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._finished:
            self.finish(*ending(error))

    def _append(self, block: Block) -> None:
        """Write steps of one form, in rising order.

        Raises:
            RunError: They are of more or fewer parameters than the run.
        """
        given, wanted = block.form.num_parameters, len(self._metadata.parameters)
        if given != wanted:
            msg = f"A step must have a norm for each of the run's {wanted} parameters, got {given}."
            raise RunError(msg)
        if self._files is not None and not self._files.follows(block):
            self._files.close()
            self._files = None
        if self._files is None:
            self._files = Files(self.path, self._rank, block.form)
        self._files.append(block.behind(self._lost) if self._lost else block)
        self._lost = 0

    def _describe(self, status: Status, summary: Mapping[str, object] | None) -> None:
        if self._rank:
            return
        held = contents(self._metadata, status, summary)
        if status == "running":  # as long as there is this process
            held["process"] = this_process()
        text = json.dumps(held, indent=1, allow_nan=False)
        with writing(self.path):
            replace_text(self.path / RUN_FILE, text + "\n")


def _refuse_existing(path: Path) -> None:
    """Refuse a directory that already holds a run.

    Raises:
        RunError: It holds one.
    """
    if (path / RUN_FILE).exists() or any(path.glob(f"*{SUFFIX}")):
        msg = (
            f"A run must go into a directory of its own, but {path} already holds one. "
            "Name another directory, go on in this one with resume=True, or remove it first."
        )
        raise RunError(msg)


def _resumed(path: Path, metadata: Metadata) -> Metadata:
    """Return the metadata of the run that goes on: its own, if there is one.

    Raises:
        RunError: It is of other parameters.
    """
    if not (path / RUN_FILE).exists():
        return metadata
    known = read_description(path).metadata
    if _known_by(known) != _known_by(metadata):
        msg = (
            f"A run goes on with the parameters that it began with, but {path} is of "
            f"{len(known.parameters)} others than the {len(metadata.parameters)} that came. "
            "Name another directory."
        )
        raise RunError(msg)
    return replace(metadata, created=known.created)


def _known_by(metadata: Metadata) -> list[object]:
    """Return what two runs of the same parameters have in common: of shards, the names alone."""
    whole = metadata.shards == 1
    return [parameter if whole else parameter.name for parameter in metadata.parameters]
