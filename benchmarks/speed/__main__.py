"""`python -m benchmarks.speed`: time clipping and write `benchmarks/results/speed-cpu.md`."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.timing import interleave

Row = dict[str, Any]
STORE = Path(__file__).parents[1] / "results" / "speed-cpu.json"
PAGE = STORE.with_suffix(".md")
_LIMITS = {"nothing to clip": 1e9, "clipping": 1.0}
_LARGE = "GPT-2"
_GIVE_UP_SECONDS = 150
FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")
_HEAD = """\
# Clipping on the CPU: gradclip beside the framework's own function

Written by `python -m benchmarks.speed`; `benchmarks/README.md` says how. Milliseconds are
medians of runs in turn within one process; the ratio is gradclip's median over the other's, so
below 1 gradclip is faster. In brackets are the quartiles: where they lie far apart, the machine was
busy and the ratio says little. A framework and network that are not done after {seconds} seconds,
compilation included, are cut off there: rows that are missing took longer.

{place}

| framework | function | network | case | gradclip ms | own ms | ratio |
| --- | --- | --- | --- | ---: | ---: | ---: |
"""


def main() -> None:
    """Time the frameworks and networks that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("frameworks", nargs="*", choices=[[], *FRAMEWORKS])
    parser.add_argument("--network", action="append", choices=[*NETWORKS])
    parser.add_argument("--large", action="store_true", help=f"also {_LARGE}: 2 GB of memory")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    networks = options.network or [n for n in NETWORKS if options.large or n != _LARGE]
    frameworks = options.frameworks or FRAMEWORKS
    if options.worker:
        for row in _time(frameworks[0], networks[0]):
            print(json.dumps(row), flush=True)
        return
    for framework in frameworks:
        for network in networks:
            _store(framework, network, _run(framework, network))


def _run(framework: str, network: str) -> list[Row]:
    """Time a framework on a network in a process of its own, as far as it comes in time."""
    command = [sys.executable, "-m", "benchmarks.speed", framework]
    command += ["--network", network, "--worker"]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet) as worker:
        timer = threading.Timer(_GIVE_UP_SECONDS, worker.kill)
        timer.start()
        output, _ = worker.communicate()
        timer.cancel()
    return [json.loads(line) for line in output.splitlines()]


def _store(framework: str, network: str, rows: list[Row]) -> None:
    """Keep what was measured in place of what was, and write the page."""
    stored = json.loads(STORE.read_text()) if STORE.exists() else []
    same = (framework, network)
    stored = [row for row in stored if (row["framework"], row["network"]) != same] + rows
    stored.sort(
        key=lambda row: (FRAMEWORKS.index(row["framework"]), [*NETWORKS].index(row["network"]))
    )
    STORE.write_text(json.dumps(stored, indent=1) + "\n")
    PAGE.write_text(
        _HEAD.format(place=_place(), seconds=_GIVE_UP_SECONDS) + "".join(map(_line, stored))
    )


def _time(framework: str, network: str) -> Iterator[Row]:
    """Yield a row for each case and pair of functions."""
    pairs = importlib.import_module(f"benchmarks.speed.contenders.{framework}").pairs
    for case, limit in _LIMITS.items():
        for pair in pairs(NETWORKS[network], limit):
            own, peer = interleave([pair.own, pair.peer])
            names = {"framework": framework, "function": pair.name}
            yield names | {"network": network, "case": case, "own": own, "peer": peer}


def _line(row: Row) -> str:
    names = " | ".join(row[name] for name in ("framework", "function", "network", "case"))
    ratio = row["own"][0] / row["peer"][0]
    return f"| {names} | {_words(row['own'])} | {_words(row['peer'])} | {ratio:.2f} |\n"


def _words(timing: list[float]) -> str:
    median, low, high = timing
    return f"{median:.3g} ({low:.3g} to {high:.3g})"


def _place() -> str:
    """Say where and with what this was measured."""
    packages = ("numpy", "torch", "tensorflow-cpu", "jax", "optax")
    found = ", ".join(f"{name} {version(name)}" for name in packages)
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load} at the end (this benchmark alone makes 1 to 2), "
        f"Python {platform.python_version()}, {found}."
    )


if __name__ == "__main__":
    main()
