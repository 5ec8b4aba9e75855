"""`python -m benchmarks.programs FOLDER [NAME ...]`: run real programs with and without gradclip.

FOLDER holds checkouts of pytorch/examples, karpathy/nanoGPT, karpathy/char-rnn,
google-deepmind/optax and keras-team/keras, as `examples`, `nanoGPT`, `char-rnn`, `optax` and
`keras`. What is not measured again is kept.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.programs.catalogue import PROGRAMS
from benchmarks.programs.judge import compare
from benchmarks.programs.page import render
from benchmarks.programs.program import Program
from benchmarks.programs.running import Bench, Ran

STORE = Path(__file__).parents[1] / "results" / "programs.json"
PAGE = Path(__file__).parents[2] / "docs" / "programs.md"
_PACKAGES = ("torch", "tensorflow-cpu", "keras", "jax", "optax", "flax", "transformers", "trl")
Row = dict[str, Any]


def main() -> None:
    """Run the programs that the command line names, one after the other."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.programs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, nargs="?", help="where the checkouts are")
    parser.add_argument("names", nargs="*", choices=[[], *PROGRAMS])
    parser.add_argument("--repeats", type=int, default=7, help="runs with and without, in turn")
    parser.add_argument("--page-only", action="store_true", help="make the page again")
    parser.add_argument("--store", type=Path, default=STORE, help="the JSON file to write to")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args()
    results = json.loads(options.store.read_text()) if options.store.exists() else {}
    if not options.page_only:
        if options.folder is None:
            parser.error("Where are the checkouts? Name their folder.")
        for name in options.names or PROGRAMS:
            row = measure(PROGRAMS[name], options.folder.resolve(), options.repeats)
            print(name, *(f"{k} {v}" for k, v in row.items()), sep=" | ", flush=True)
            results[name] = row
            options.store.write_text(json.dumps(results, indent=1) + "\n")
    options.page.write_text(render(results), encoding="utf-8")


def measure(program: Program, folder: Path, repeats: int) -> Row:
    """Run a program as it is, followed and edited, and say what came out."""
    with tempfile.TemporaryDirectory() as room:
        bench = Bench(program, folder, Path(room))
        row: Row = {"place": _place(), "commit": _commit(program, folder)}
        edited = bench.edited()
        plain, followed = [], []
        for turn in range(repeats):
            for kind in ("plain", "followed") if turn % 2 else ("followed", "plain"):
                (plain if kind == "plain" else followed).append(getattr(bench, kind)())
        failed = [ran for ran in (edited, *plain, *followed) if ran.code]
        if failed:
            return row | {"failed": failed[0].errors[-2000:]}
        row |= _outcome(plain, followed)
        if not bench.run_path.is_dir():
            return row | {"failed": "nothing was recorded", "said": _said(followed[-1].errors)}
        return row | compare(bench.run_path, bench.shown)


def _outcome(plain: list[Ran], followed: list[Ran]) -> Row:
    """Return whether output and files are the same, and what following costs."""
    ratios = [b.seconds / a.seconds - 1 for a, b in zip(plain, followed, strict=True)]
    hooks = re.search(r"overhead +([\d.]+) %", followed[-1].errors)
    return {
        "deterministic": all(
            (p.output, p.files) == (plain[0].output, plain[0].files) for p in plain
        ),
        "output_same": all(f.output == plain[0].output for f in followed),
        "files_same": all(f.files == plain[0].files for f in followed),
        "files": sorted(plain[0].files),
        "seconds": statistics.median(ran.seconds for ran in plain),
        "overhead": statistics.median(ratios),
        "overhead_quartiles": statistics.quantiles(ratios, n=4)[::2]
        if len(ratios) > 1
        else ratios * 2,
        "hooks": float(hooks[1]) / 100 if hooks else None,
        "repeats": len(ratios),
        "said": _said(followed[-1].errors),
    }


def _said(errors: str) -> str:
    """Return the closing summary, without the folders of this machine."""
    found = re.search(r"^gradclip run  .*", errors, re.MULTILINE | re.DOTALL)
    text = found[0] if found else ""
    return re.sub(
        r"\S+/(?=gradclip (report|watch))|\S+/(?=run(-\d+)?$)", "", text, flags=re.MULTILINE
    )


def _commit(program: Program, folder: Path) -> str:
    """Return which version of it this is."""
    if not program.source.folder:
        package = program.source.repository.split()[0]
        return f"{package} {version(package)}"
    command = ["git", "-C", str(folder / program.source.folder), "rev-parse", "HEAD"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    return found.stdout.strip() or "of no checkout"


def _place() -> str:
    """Say where and with what this is measured."""
    found = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it, "
        f"Python {platform.python_version()}, {found}"
    )


if __name__ == "__main__":
    main()
