# ruff: noqa: INP001, T201  # a script beside the docs, not a module; it says what it made
"""Makes the README's pictures from the real default demo: needs PyTorch, tmux and Chromium.

Run `python docs/assets/make.py` from the checkout.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ASSETS = Path(__file__).parent
COLUMNS, ROWS = 92, 70
THEME = TerminalTheme(
    (23, 27, 34),
    (232, 236, 242),
    [
        *((23, 27, 34), (255, 107, 129), (61, 207, 182), (255, 160, 77)),
        *((98, 168, 240), (180, 142, 224), (90, 190, 230), (232, 236, 242)),
    ],
)
# rich's own frame without its fonts, which a page would have to load.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}" \
xmlns="http://www.w3.org/2000/svg" role="img" aria-label="gradclip demo in a terminal">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", \
monospace; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">\
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect fill="#171b22" width="{terminal_width}" height="{terminal_height}" rx="10"/>
<g transform="translate(16, 14) scale(0.97)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Run the demo in a terminal of its own, and draw the terminal and the page."""
    with tempfile.TemporaryDirectory() as folder:
        screen = _capture(Path(folder))
        _draw_terminal(screen)
        page = Path(folder, "runs", "demo-1", "report.html")
        _photograph(page, ASSETS / "report.png", dark=False)
        _photograph(page, ASSETS / "report-dark.png", dark=True)
    for name in ("demo.svg", "report.png", "report-dark.png"):
        print(f"{name}: {(ASSETS / name).stat().st_size / 1000:.0f} kB")


def _capture(folder: Path) -> str:
    """Return what tmux shows, colors included, once the default demo has ended."""
    tmux = ["tmux", "-L", f"gradclip-{os.getpid()}"]
    program = Path(sys.executable).with_name("gradclip")
    command = f"TERM=xterm-256color {program} demo; touch done; cat"
    size = ["-x", str(COLUMNS), "-y", str(ROWS), "-c", str(folder)]
    subprocess.run([*tmux, "new-session", "-d", *size, command], check=True)
    try:
        while not (folder / "done").exists():
            time.sleep(0.2)
        capture = [*tmux, "capture-pane", "-e", "-p"]
        return subprocess.run(capture, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def _draw_terminal(screen: str) -> None:
    """Write the screen as a picture, with the tables between the first and the last left out."""
    tables = [match.start() for match in re.finditer(r"^.*global norm ", screen, re.MULTILINE)]
    bar = screen.index("━")
    bar = screen.rindex("\n", 0, bar) + 1
    shown = f"{screen[: tables[1]]}\x1b[2m  ⋮\x1b[0m\n\n{screen[tables[-1] : bar]}{screen[bar:]}"
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("$ gradclip demo\n" + shown.rstrip()))
    svg = console.export_svg(theme=THEME, code_format=FRAME, unique_id="demo")
    (ASSETS / "demo.svg").write_text(svg, encoding="utf-8")


def _photograph(page: Path, target: Path, *, dark: bool) -> None:
    """Write a page down to the layers' profile as a picture of few colors, so that it is small."""
    chromium = shutil.which("chromium") or shutil.which("chrome") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        scheme = "dark" if dark else "light"
        tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        tab.goto(page.as_uri())
        last = tab.locator("#profile-figure").bounding_box() or {}
        area = {"x": 0, "y": 0, "width": 1280, "height": last["y"] + last["height"] + 8}
        picture = tab.screenshot(full_page=True, clip=area)
        browser.close()
    few = Image.open(io.BytesIO(picture)).convert("RGB")
    # Of all that are there, not of the most frequent ones: a thin line keeps its color.
    method = Image.Quantize.MAXCOVERAGE
    few.quantize(256, method, kmeans=3, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
