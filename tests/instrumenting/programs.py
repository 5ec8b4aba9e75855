"""Programs that train without a framework, started as `gradclip run` starts them."""

import os
import subprocess
import sys
from pathlib import Path

import gradclip
from gradclip.instrumenting.launch import followed
from gradclip.instrumenting.settings import Settings

TRAINING = """
import numpy as np
import gradclip
from gradclip.instrumenting.observation import Observation

session = gradclip.instrument()

def step(number, **given):
    if session.framework is None:
        session.begin("numpy", [("w", np.zeros(2))], optimizer="by hand", **given)
    if session.due:
        seen = Observation(names=("w",), parts_before=[float(number)], parts_after=[1.0])
        session.record(seen, loss=float(number))
    session.end_step()

def train(steps, **given):
    for number in range(steps):
        step(number, **given)
"""


def start(folder, text, *arguments, environ=None, **settings):
    """Run a program in a folder to its end, followed."""
    Path(folder, "program.py").write_text(text)
    given = Settings(**{"out": str(Path(folder, "runs", "run")), **settings})
    return subprocess.run(
        [sys.executable, "program.py", *arguments],
        cwd=folder,
        env=followed({**os.environ, **(environ or {})}, given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def losses(folder):
    """Return the losses of each run that was left, by its name."""
    paths = sorted(Path(folder, "runs").glob("*"))
    return {path.name: gradclip.read_run(path).loss.tolist() for path in paths}
