"""Files that are there whole or not at all, and what to say where a disk refuses them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradclip.errors import RunError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Report what the disk refuses.

    Args:
        path: What is written.

    Raises:
        RunError: The disk refused something.
    """
    try:
        yield
    except RunError:  # said already, and an OSError itself
        raise
    except OSError as error:
        msg = (
            f"{path} cannot be written: {error.strerror or error}. "
            "Name a directory on a disk with space, in which you may create files."
        )
        raise RunError(msg) from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place to write a file to, which takes the file's name at the end of the block.

    Until then readers see the old one, and after an exception as well.

    Args:
        path: The file; it is replaced if it is there.

    Yields:
        The place, in the same directory.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp makes it readable to its owner alone
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a file whole, and have the disk keep it."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
