"""Has a Python program followed: its folder stands on PYTHONPATH where `gradclip run` put it."""

import importlib
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs 10 ms


def _follow() -> None:
    """Watch this process's imports."""
    try:
        from gradclip.instrumenting.imports import watch_imports  # noqa: PLC0415 - guarded
    except ImportError as error:
        if (getattr(error, "name", "") or "").partition(".")[0] != "gradclip":
            raise
        sys.stderr.write(f"gradclip run: {sys.executable} has no gradclip, nothing is recorded.\n")
    else:
        watch_imports()


def _give_way() -> None:
    """Import the `sitecustomize` that this one hides, if there is one."""
    this = sys.modules.pop(__name__)
    try:
        importlib.import_module(__name__)
    except ImportError as error:
        if getattr(error, "name", None) != __name__:
            raise
        sys.modules[__name__] = this


sys.path[:] = [entry for entry in sys.path if entry != _HERE]
try:
    _follow()
except Exception as error:  # noqa: BLE001 - the program goes on
    sys.stderr.write(f"gradclip run: nothing is recorded: {error!r}\n")
_give_way()
