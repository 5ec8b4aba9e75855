# ruff: noqa: INP001  # a script beside the docs, not a module
"""Makes the picture of what `gradclip run` says at the end, from a real training.

Run `python docs/assets/run.py` from the checkout.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from make import FRAME, THEME
from rich.console import Console
from rich.text import Text

COLUMNS = 88
SCRIPT = Path(__file__).with_name("train.py")


def main() -> None:
    """Train, and draw what was said."""
    with tempfile.TemporaryDirectory() as folder:
        said = _said(folder)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ gradclip run train.py\n{said}"))
    svg = console.export_svg(theme=THEME, code_format=FRAME, unique_id="run")
    svg = svg.replace("gradclip demo in a terminal", "what gradclip run says at the end")
    Path(__file__).with_suffix(".svg").write_text(svg, encoding="utf-8")


def _said(folder: str) -> str:
    """Return what was said on standard error, with colours."""
    program = Path(sys.executable).with_name("gradclip")
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "PATH": path}
    done = subprocess.run(
        [program, "run", SCRIPT],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


if __name__ == "__main__":
    main()
