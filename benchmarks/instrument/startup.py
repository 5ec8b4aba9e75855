"""What following costs before the first step: programs that do not train, with and without."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gradclip.instrumenting.launch import followed
from gradclip.instrumenting.settings import Settings

_GRADCLIP = str(Path(sys.executable).with_name("gradclip"))
# Programs that do what comes before training. PyTorch loads much when an optimizer is made, and
# what instruments PyTorch loads that with it.
PROGRAMS = {
    "nothing": "",
    "NumPy": "import numpy",
    "PyTorch": "import torch",
    "PyTorch, an optimizer": "import torch; torch.optim.SGD([torch.zeros(1)], lr=0.1)",
    "PyTorch, a gradient": "import torch; torch.nn.Linear(1, 1)(torch.ones(1)).backward()",
    "JAX and optax": "import jax, optax",
    "TensorFlow": "import tensorflow",
    "Keras on TensorFlow": "import keras",
}
_SURROUNDINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "KERAS_BACKEND": "tensorflow",
}


class Turn(NamedTuple):
    """One start of a program, in milliseconds."""

    whole: float
    computing: float  # the processor's time, which others on the machine disturb less


def measure(repeats: int) -> Iterator[dict[str, Any]]:
    """Start each program as it is, by `gradclip run`, and by the hook alone, in turn.

    Args:
        repeats: How many times each.

    Yields:
        A row for each program: medians, and quartiles of what the command adds.
    """
    for name, text in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "program.py").write_text(f"{text}\n")
            turns = [_turn(folder, reverse=bool(turn % 2)) for turn in range(repeats + 1)]
        yield {"name": name, "repeats": repeats, **_compared(turns[1:])}


def _turn(folder: str, *, reverse: bool) -> tuple[Turn, Turn, Turn]:
    """Start a program alone, by the command, and by the hook alone."""
    environ = {**os.environ, **_SURROUNDINGS}
    plain = [sys.executable, "program.py"]
    ways = {
        "alone": (plain, environ),
        "command": ([_GRADCLIP, "run", "--quiet", "program.py"], environ),
        "hook": (plain, followed(environ, Settings(quiet=True))),
    }
    order = reversed(ways) if reverse else ways
    turns = {way: _started(*ways[way], folder) for way in order}
    return turns["alone"], turns["command"], turns["hook"]


def _started(command: Sequence[str], environ: Mapping[str, str], folder: str) -> Turn:
    """Return how long a command takes."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    whole, after = time.perf_counter() - start, os.times()
    computing = after.children_user + after.children_system
    computing -= before.children_user + before.children_system
    return Turn(1e3 * whole, 1e3 * computing)


def _compared(turns: Sequence[tuple[Turn, Turn, Turn]]) -> dict[str, Any]:
    """Return medians, and quartiles of neighbours' differences."""
    added = [command.whole - alone.whole for alone, command, _ in turns]
    low, middle, high = statistics.quantiles(added, n=4)
    return {
        "alone_ms": statistics.median(alone.whole for alone, _, _ in turns),
        "added_ms": middle,
        "added_low_ms": low,
        "added_high_ms": high,
        "added_by_hook_ms": statistics.median(hook.whole - alone.whole for alone, _, hook in turns),
        "computing_ms": statistics.median(c.computing - a.computing for a, c, _ in turns),
        "computing_hook_ms": statistics.median(h.computing - a.computing for a, _, h in turns),
    }
