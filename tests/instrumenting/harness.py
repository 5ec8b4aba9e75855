"""Runs a script twice: as it is, and followed. Both must come to the same, to the bit.

A script in `scripts/` prints `final <float.hex()>` of what it trained. With SHOW=1 it also prints
`step <loss> <norm before> <norm after>` of every step, by its own means, for comparison.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gradclip
import gradclip.instrumenting
from gradclip.record.run import Run

SCRIPTS = Path(__file__).parent / "scripts"
START = Path(gradclip.instrumenting.__file__).parent / "start"
TIMEOUT = 300  # seconds
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
# Scripts that `torchrun` starts.
LAUNCHED = {
    "torch_ddp.py",
    "torch_fsdp1.py",
    "torch_fsdp2.py",
    "torch_sequence_parallel.py",
    "torch_tensor_parallel.py",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a script: `shown` has its own (loss, before, after) of every step."""

    code: int
    stdout: str
    stderr: str

    @property
    def final(self) -> str:
        """What it trained came to, as it printed it."""
        return next(line for line in self.stdout.splitlines() if line.startswith("final "))

    @property
    def shown(self) -> np.ndarray:
        """Its own numbers, (steps, 3): loss, norm before and after."""
        rows = [line.split()[1:] for line in self.stdout.splitlines() if line.startswith("step ")]
        return np.array(rows, dtype=np.float64)


def plain(script: str, *arguments: str, processes: int = 2, **environment: str) -> Outcome:
    """Run a script as its author would; one of several processes as `torchrun` does."""
    return _run(_command(script, arguments, processes), environment)


def followed(
    script: str, out: Path, *arguments: str, processes: int = 2, **environment: str
) -> Outcome:
    """Run a script as `gradclip run` does; settings are `GRADCLIP_RUN_*` among the variables."""
    given = {"PYTHONPATH": str(START), "GRADCLIP_RUN_OUT": str(out), **environment}
    return _run(_command(script, arguments, processes), given)


def check_followed(
    script: str, out: Path, *arguments: str, rtol: float = 1e-5, processes: int = 2
) -> Run:
    """Check that a followed script comes to the same to the bit, and that its run is right.

    Returns:
        The run.
    """
    alone = plain(script, *arguments, processes=processes, SHOW="1")
    watched = followed(script, out, *arguments, processes=processes)
    assert alone.code == 0, alone.stderr
    assert watched.code == 0, watched.stderr
    assert watched.final == alone.final
    run = gradclip.read_run(out)
    shown = alone.shown
    assert len(run.steps) == len(shown), watched.stderr
    np.testing.assert_allclose(run.loss, shown[:, 0], rtol=rtol)
    np.testing.assert_allclose(run.global_norm_before, shown[:, 1], rtol=rtol)
    np.testing.assert_allclose(run.global_norm_after, shown[:, 2], rtol=rtol)
    return run


def _command(script: str, arguments: tuple[str, ...], processes: int) -> list[str]:
    launcher = [*TORCHRUN, str(processes)] if script in LAUNCHED else []
    return [sys.executable, *launcher, str(SCRIPTS / script), *arguments]


def _run(command: list[str], environment: dict[str, str]) -> Outcome:
    given = {"OMP_NUM_THREADS": "1", **os.environ, **environment}
    done = subprocess.run(
        command, env=given, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    return Outcome(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
