"""Has a Python program followed: its folder stands on PYTHONPATH where `gradclip run` put it."""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs 10 ms
sys.path[:] = [entry for entry in sys.path if entry != _HERE]
try:
    from gradclip.instrumenting.following import follow_this_process
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "gradclip":
        raise
    sys.stderr.write(f"gradclip run: {sys.executable} has no gradclip, nothing is recorded.\n")
else:
    follow_this_process()
