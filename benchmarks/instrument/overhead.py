"""What following costs: whole programs with and without `gradclip run`, in turn."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_SCRIPTS = Path(__file__).parent / "scripts"
_GRADCLIP = Path(sys.executable).with_name("gradclip")
PROGRAMS = {
    "PyTorch, MLP 784-128-10, 64 a batch": "torch_mlp.py",
    "PyTorch, GPT of 6 layers": "torch_gpt.py",
    "Keras fit on TensorFlow, MLP": "keras_fit.py",
    "optax, jitted step, MLP": "optax_mlp.py",
}
_SURROUNDINGS = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "KERAS_BACKEND": "tensorflow",
}


class Turn(NamedTuple):
    """One run of a program."""

    whole: float  # seconds from its start to its end
    loop: float  # seconds of its training loop, by its own clock
    steps: int
    loss: str  # the last one, to the bit


def measure(repeats: int) -> Iterator[dict[str, Any]]:
    """Run each program without and with its own clipping, as it is and followed, in turn.

    Args:
        repeats: How many times each.

    Yields:
        A row for each program: medians and quartiles of ratios of neighbouring runs.
    """
    for name, script in PROGRAMS.items():
        for arguments in ((), ("--clip",)):
            plain, followed = [], []
            for turn in range(repeats):
                for kind in (plain, followed) if turn % 2 else (followed, plain):
                    kind.append(_run(script, arguments, followed=kind is followed))
            yield {"name": name, "clips": bool(arguments), **_compared(plain, followed)}


def _compared(plain: list[Turn], followed: list[Turn]) -> dict[str, Any]:
    """Return what following costs."""
    pairs = list(zip(plain, followed, strict=True))
    loops = [b.loop / a.loop - 1 for a, b in pairs]
    wholes = [b.whole / a.whole - 1 for a, b in pairs]
    added = [(b.whole - b.loop) - (a.whole - a.loop) for a, b in pairs]
    return {
        "repeats": len(pairs),
        "step_ms": 1e3 * statistics.median(a.loop / a.steps for a in plain),
        "added_us": 1e6 * statistics.median((b.loop - a.loop) / a.steps for a, b in pairs),
        "loop": statistics.median(loops),
        "loop_quartiles": _quartiles(loops),
        "whole_s": statistics.median(a.whole for a in plain),
        "whole": statistics.median(wholes),
        "whole_quartiles": _quartiles(wholes),
        "start_and_end_s": statistics.median(added),
        "same": len({turn.loss for turn in (*plain, *followed)}) == 1,
    }


def _quartiles(values: list[float]) -> list[float]:
    return statistics.quantiles(values, n=4)[::2] if len(values) > 1 else values * 2


def _run(script: str, arguments: tuple[str, ...], *, followed: bool) -> Turn:
    """Run a program once."""
    with tempfile.TemporaryDirectory() as folder:
        before = [_GRADCLIP, "run", "--out", f"{folder}/run"] if followed else [sys.executable]
        start = time.perf_counter()
        done = subprocess.run(
            [*before, _SCRIPTS / script, *arguments],
            env=os.environ | _SURROUNDINGS,
            capture_output=True,
            text=True,
            check=True,
        )
        whole = time.perf_counter() - start
    _, loop, steps, loss = next(
        line for line in done.stdout.splitlines() if line.startswith("loop ")
    ).split()
    return Turn(whole, float(loop), int(steps), loss)
