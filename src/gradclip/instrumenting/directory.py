"""Where a run goes: a directory that nobody uses yet."""

import glob
import re
from pathlib import Path

from gradclip.errors import RunError


def free_directory(folder: Path, prefix: str) -> Path:
    """Return `folder/prefix-N` with the first number above those in use.

    Example:
        >>> free_directory(Path("no-such-folder"), "demo").as_posix()
        'no-such-folder/demo-1'
    """
    used = folder.glob(f"{glob.escape(prefix)}-*")
    found = [re.fullmatch(rf"{re.escape(prefix)}-(\d+)", path.name) for path in used]
    return folder / f"{prefix}-{1 + max((int(match[1]) for match in found if match), default=0)}"


def refuse_used(directory: Path) -> None:
    """Raise before any work if a directory holds something.

    Args:
        directory: Where a run is to go.

    Raises:
        RunError: It is a file, or a folder with something in it.
    """
    try:
        used = any(directory.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        used = True
    if used:
        msg = (
            f"A run must go into a new or empty folder, but {directory} is in use. "
            "Name another one with --out, or remove that one first."
        )
        raise RunError(msg)
