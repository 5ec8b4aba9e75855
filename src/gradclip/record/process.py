"""Which process writes a run, and whether it is still there."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from gradclip.record.schema import Json

_STATE, _BEGAN = 0, 19  # fields of /proc/PID/stat behind the name
_DEAD = "ZX"


def this_process() -> dict[str, Json]:
    """Return what tells this process from all others: machine, number, beginning."""
    pid = os.getpid()
    return {"machine": _machine(), "pid": pid, "began": _stat(pid, _BEGAN)}


def is_gone(process: object) -> bool:
    """Tell whether a process has ended; False where that cannot be known, as on another machine.

    Args:
        process: What `this_process` returned there, or anything else that a file held.

    Returns:
        Whether it is known to have ended.

    Example:
        >>> is_gone(this_process()), is_gone(None)
        (False, False)
    """
    if not isinstance(process, Mapping) or process.get("machine") != _machine():
        return False
    pid, began = process.get("pid"), process.get("began")
    if os.name == "nt" or not isinstance(pid, int) or pid < 1:
        return False  # to ask after a process would end it on Windows
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and somebody else's
        pass
    return _stat(pid, _STATE) in _DEAD or _stat(pid, _BEGAN) != began


def _machine() -> str:
    """Return a name of what has process numbers of its own: a machine, or a container."""
    try:
        numbers = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path, but a name
    except OSError:
        numbers = ""
    return f"{platform.node()} {numbers}".strip()


def _stat(pid: int, field: int) -> str:
    """Return what Linux says of a process; other systems say nothing."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return " "
    return text.rpartition(")")[2].split()[field]
