"""Downloads a data file: mirrors in turn, checked, and there whole or not at all."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pooch import HTTPDownloader
from requests import RequestException
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gradclip.errors import DataError
from gradclip.experiments.idx import IdxFile, read_idx

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
TIMEOUT_SECONDS = 30.0  # without a byte, not for the whole file: a slow line may take its time

logger = logging.getLogger(__name__)


def download(
    file: IdxFile,
    directory: Path,
    *,
    mirrors: Sequence[str] = MIRRORS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Path:
    """Download a file's `.gz` from the first mirror that has it right.

    Args:
        file: What it must hold.
        directory: Where it goes; made if missing. Nothing half-finished is ever there under
            the file's name.
        mirrors: Addresses to try in turn; the file's name is put behind.
        timeout_seconds: How long a mirror may stay silent.

    Returns:
        The file's path.

    Raises:
        DataError: No mirror has it, or the directory cannot be written.

    Example:
        >>> download(IdxFile("labels", (3,), ""), Path("."), mirrors=["http://127.0.0.1:9/"])
        Traceback (most recent call last):
        ...
        gradclip.errors.DataError: labels.gz could not be downloaded. ...
    """
    name = f"{file.name}.gz"
    failures = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as temporary:
            for mirror in mirrors:
                partial = Path(temporary, name)
                failure = _attempt(mirror.rstrip("/") + "/" + name, partial, file, timeout_seconds)
                if failure is None:
                    return partial.replace(directory / name)
                failures.append(failure)
                logger.info("%s", failure)
    except OSError as error:
        msg = (
            f"{directory} cannot be written: {error.strerror or error}. "
            "Name a directory that holds the four MNIST files."
        )
        raise DataError(msg) from error
    msg = (
        f"{name} could not be downloaded. " + " ".join(failures) + " Try again later, or fetch "
        "the four MNIST files elsewhere and name their directory."
    )
    raise DataError(msg)


def _attempt(url: str, path: Path, file: IdxFile, timeout_seconds: float) -> str | None:
    """Download one address to `path`.

    Returns:
        What went wrong, as a sentence; None if nothing did.
    """
    try:
        with _ProgressBar(path.name) as bar:
            HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=timeout_seconds)(
                url, str(path), None
            )
        read_idx(path, file)
    except RequestException as error:
        return f"{url}: {_reason(error)}."
    except DataError as error:
        return f"{url}: what came {str(error).removeprefix(str(path)).split('. ')[0].strip()}."
    return None


def _reason(error: RequestException) -> str:
    """Return what an error says, without the connection's inner life around it."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return str(error if cause is None else cause).rpartition("): ")[2]


class _ProgressBar:
    """Show a download on the terminal, if there is one, in the form that pooch drives."""

    def __init__(self, name: str) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        console = Console(stderr=True)
        self._progress = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._progress.add_task(name, total=None)

    @property
    def total(self) -> float | None:
        """The size that the server announced, in bytes."""
        return self._progress.tasks[0].total

    @total.setter
    def total(self, size: int) -> None:
        self._progress.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        """Count bytes that came."""
        self._progress.advance(self._task, size)

    def reset(self) -> None:
        """Count from 0 again; pooch does so before it counts the whole."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Do nothing: the `with` block ends the display."""

    def __enter__(self) -> "_ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
