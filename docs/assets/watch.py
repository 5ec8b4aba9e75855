# ruff: noqa: INP001  # a script beside the docs, not a module
"""Makes the picture of `gradclip watch` from a real demo.

Run `python docs/assets/watch.py` from the checkout.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gradclip.record import open_run
from gradclip.watch.app import WatchApp

COLUMNS, ROWS = 110, 32
DEMO = [
    "demo",
    "--steps",
    "300",
    "--depth",
    "7",
    "--activation",
    "tanh",
    "--clip",
    "global-norm=0.2",
    "--out",
]
FONT = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace'


def main() -> None:
    """Run the demo, and draw what is seen of it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        program = Path(sys.executable).with_name("gradclip")
        subprocess.run([program, *DEMO, run], check=True, stdout=subprocess.DEVNULL)
        svg = asyncio.run(_screen(run))
    # Without the fonts, which a page would have to load.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONT}", svg)
    target = Path(__file__).with_suffix(".svg")
    target.write_text(re.sub(r"<!--.*?-->\n?", "", svg), encoding="utf-8")


async def _screen(run: Path) -> str:
    """Return what the screen shows."""
    app = WatchApp(open_run(run), "runs/watched")
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        return app.export_screenshot(title="gradclip watch runs/watched", simplify=True)


if __name__ == "__main__":
    main()
