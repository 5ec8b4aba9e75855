"""Writes a run directory so that a reader, a crash or Ctrl-C finds it whole at any moment."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from gradclip.errors import RunError
from gradclip.record.encoding import encode, to_line
from gradclip.record.schema import (
    RUN_FILE,
    SCHEMA_VERSION,
    STEPS_FILE,
    Metadata,
    Status,
    StepRecord,
)


class RunWriter:
    """Write a run directory step by step.

    Every step is handed to the operating system before `write` returns, so a reader sees it at
    once and Ctrl-C loses none. Leaving the `with` block settles the status if `finish` has not:
    `finished`, or `interrupted` on Ctrl-C, or `failed` on any other exception.

    Args:
        path: The directory, made if missing; it must not hold a run yet.
        metadata: What is known before the first step.

    Raises:
        RunError: The directory already holds a run, or cannot be written.

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

    def __init__(self, path: str | os.PathLike[str], metadata: Metadata) -> None:
        self.path = Path(path)
        self._metadata = metadata
        self._finished = False
        _refuse_existing(self.path)
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._steps = (self.path / STEPS_FILE).open("x", encoding="utf-8", newline="\n")
        try:
            self._describe("running", None)
        except BaseException:
            self._steps.close()
            raise

    def write(self, record: StepRecord) -> None:
        """Append one step; raise `RunError` if the disk refuses it."""
        fields = {name: getattr(record, name) for name in StepRecord.__slots__}
        with _writing(self.path):
            self._steps.write(to_line(fields))
            self._steps.flush()

    def finish(self, status: Status, summary: Mapping[str, object] | None = None) -> None:
        """Settle how the run ended, and close its files; raise `RunError` if the disk refuses it.

        Args:
            status: `finished`, `interrupted` or `failed`.
            summary: What to keep of the whole run; numbers, text, mappings, sequences.
        """
        self._finished = True
        with _writing(self.path):
            self._steps.close()
        self._describe(status, summary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._finished:
            return
        if kind is None:
            self.finish("finished")
        elif issubclass(kind, KeyboardInterrupt | GeneratorExit):
            self.finish("interrupted")
        else:
            self.finish("failed", {"error": f"{kind.__name__}: {error}"})

    def _describe(self, status: Status, summary: Mapping[str, object] | None) -> None:
        text = json.dumps(_description(self._metadata, status, summary), indent=1, allow_nan=False)
        with _writing(self.path):
            _replace(self.path / RUN_FILE, text + "\n")


def _description(
    metadata: Metadata, status: Status, summary: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the contents of `run.json`."""
    fields = {name: getattr(metadata, name) for name in Metadata.__slots__}
    framework = {"name": fields.pop("framework"), "version": fields.pop("framework_version")}
    parameters = [{"name": p.name, "shape": list(p.shape)} for p in fields.pop("parameters")]
    return {
        "schema": SCHEMA_VERSION,
        "status": status,
        "framework": framework,
        **{name: encode(value) for name, value in fields.items()},
        "parameters": parameters,
        "summary": encode(summary),
    }


def _replace(path: Path, text: str) -> None:
    """Write a file whole: a reader sees the old one or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp makes it readable to its owner alone
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _refuse_existing(path: Path) -> None:
    """Refuse a directory that already holds a run.

    Raises:
        RunError: It holds one.
    """
    if (path / RUN_FILE).exists() or (path / STEPS_FILE).exists():
        msg = (
            f"A run must go into a directory of its own, but {path} already holds one. "
            "Name another directory, or remove that one first."
        )
        raise RunError(msg)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Report what the disk refuses.

    Raises:
        RunError: It refused something.
    """
    try:
        yield
    except OSError as error:
        msg = (
            f"The run directory {path} cannot be written: {error.strerror or error}. "
            "Name a directory on a disk with space, in which you may create files."
        )
        raise RunError(msg) from error
