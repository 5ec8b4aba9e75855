"""`python -m benchmarks.speed`: time clipping and write `benchmarks/results/speed-cpu.md`."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.timing import interleave

PAGE = Path(__file__).parents[1] / "results" / "speed-cpu.md"
_LIMITS = {"nothing to clip": 1e9, "clipping": 1.0}
_LARGE = "GPT-2"
FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")
_HEAD = """\
# Clipping on the CPU: gradclip beside the framework's own function

Written by `python -m benchmarks.speed`; see [the notes](../README.md). Milliseconds are
medians of runs in turn within one process; the ratio is gradclip's median over the other's, so
below 1 gradclip is faster. In brackets are the quartiles: where they lie far apart, the machine was
busy and the ratio says little.

{place}

| framework | function | network | case | gradclip ms | own ms | ratio |
| --- | --- | --- | --- | ---: | ---: | ---: |
"""


def main() -> None:
    """Time the frameworks that the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("frameworks", nargs="*", choices=[[], *FRAMEWORKS])
    parser.add_argument("--large", action="store_true", help=f"also {_LARGE}: 2 GB of memory")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    networks = [name for name in NETWORKS if options.large or name != _LARGE]
    if options.worker:
        for row in _time(options.frameworks[0], networks):
            print(json.dumps(row), flush=True)
        return
    rows = [
        row for name in options.frameworks or FRAMEWORKS for row in _run(name, large=options.large)
    ]
    PAGE.write_text(_HEAD.format(place=_place()) + "".join(map(_line, rows)))


def _run(framework: str, *, large: bool) -> list[dict[str, Any]]:
    """Time a framework in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed", framework, "--worker"]
    command += ["--large"] * large
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _time(framework: str, networks: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each network, case and pair of functions."""
    pairs = importlib.import_module(f"benchmarks.speed.contenders.{framework}").pairs
    for network in networks:
        for case, limit in _LIMITS.items():
            for pair in pairs(NETWORKS[network], limit):
                own, peer = interleave([pair.own, pair.peer])
                names = {"framework": framework, "function": pair.name}
                yield names | {"network": network, "case": case, "own": own, "peer": peer}


def _line(row: dict[str, Any]) -> str:
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
        f"{os.cpu_count()} cores, load {load} at the end (1 is this benchmark alone), "
        f"Python {platform.python_version()}, {found}."
    )


if __name__ == "__main__":
    main()
