"""The real command, run as a user runs it."""

import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from gradclip.cli.main import main; main(prog_name='gradclip')"]
SMALL = ["--framework", "numpy", "--steps", "3", "--hidden", "8,6", "--batch-size", "32"]


def environment(**changes):
    """Return this process's environment without what would change how the command looks."""
    looks = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "GRADCLIP_DATA"}
    return {name: value for name, value in os.environ.items() if name not in looks} | changes


def gradclip(*arguments, cwd=None, **changes):
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        cwd=cwd,
        env=environment(**changes),
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Return a small demo's process and run directory."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    return gradclip("demo", *SMALL, "--out", folder), folder


@pytest.fixture(scope="session")
def comparison(tmp_path_factory):
    """Return a small comparison's process and directory."""
    folder = tmp_path_factory.mktemp("comparison")
    return gradclip("demo", *SMALL, "--compare", "clip,no-clip", cwd=folder), folder
