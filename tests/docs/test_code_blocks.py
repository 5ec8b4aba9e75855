"""Every Python block of the documentation runs and prints what it says."""

import doctest
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]
    if "```python" in page.read_text()
)
FENCE = re.compile(
    r"(?P<skip><!-- not run: \S.*-->\n)?"
    r"(?P<indent> *)```python[^\n]*\n(?P<code>.*?)\n(?P=indent)```",
    re.DOTALL,
)
SNIPPET = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
PROMISE = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
END = "-- end of a block --"
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
pytestmark = [pytest.mark.long, pytest.mark.torch, pytest.mark.tensorflow, pytest.mark.jax]


def blocks_of(page):
    """The page's blocks that run, in order, with files put in where the page includes them."""
    found = [match for match in FENCE.finditer(page.read_text()) if not match["skip"]]
    codes = [textwrap.dedent(match["code"]) for match in found]
    return [SNIPPET.sub(lambda match: (ROOT / match[1]).read_text(), code) for code in codes]


def run(blocks, folder):
    """Run a page's blocks one after the other in one process; return what each printed."""
    program = "".join(f"{block}\nprint({END!r})\n" for block in blocks)
    script = folder / "page.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{END}\n")[:-1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run_and_print_what_it_says(page, tmp_path):
    blocks = blocks_of(page)
    checker = doctest.OutputChecker()
    for block, printed in zip(blocks, run(blocks, tmp_path), strict=True):
        promised = "\n".join(PROMISE.findall(block))
        if promised:
            spaced = re.sub(r"\s+(?=[\])])|(?<=[\[(])\s+", "", printed)
            wanted = re.sub(r"\s+(?=[\])])|(?<=[\[(])\s+", "", promised)
            assert checker.check_output(wanted, spaced, LENIENT), f"{promised}\n--\n{printed}"


def test_a_block_is_left_out_only_with_a_reason():
    bare = [p.name for p in PAGES if re.search(r"<!-- not run: *-->", p.read_text())]
    assert not bare
