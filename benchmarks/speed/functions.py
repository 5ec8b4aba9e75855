"""Time functions: each framework and network in a process of its own."""

import argparse
import importlib
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

from benchmarks.speed.contenders.case import CASES, case
from benchmarks.speed.limit import limit
from benchmarks.speed.shapes import NETWORKS, SHAPES
from benchmarks.speed.store import Row
from benchmarks.speed.timing import Timing, interleave

FRAMEWORKS = ("torch", "tensorflow", "jax", "numpy")
GIVE_UP_SECONDS = 400  # compilation included
SECONDS = 8.0


def measure(
    frameworks: tuple[str, ...] = FRAMEWORKS,
    networks: tuple[str, ...] = tuple(NETWORKS),
    *,
    threads: int,
    seconds: float = SECONDS,
) -> Iterator[Row]:
    """Time frameworks on networks.

    Args:
        frameworks: Some of `FRAMEWORKS`.
        networks: Some of `SHAPES`.
        threads: How many threads each may use.
        seconds: How long the contenders of a case take turns.

    Yields:
        A row for each contender and case, as far as they come in time.
    """
    for framework in frameworks:
        for network in networks:
            yield from _in_process(framework, network, threads, seconds)


def _in_process(framework: str, network: str, threads: int, seconds: float) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.speed.functions", framework, network]
    command += [str(threads), str(seconds)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(threads)
    ) as worker:
        timer = threading.Timer(GIVE_UP_SECONDS, worker.kill)
        timer.start()
        output, _ = worker.communicate()
        timer.cancel()
    if worker.returncode > 0:
        raise subprocess.CalledProcessError(worker.returncode, command)
    for line in output.splitlines():
        yield json.loads(line)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that uses so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(names, str(threads))}


def rows(framework: str, network: str, threads: int, seconds: float) -> Iterator[Row]:
    """Time a framework on a network in this process.

    Yields:
        A row for each contender and case.
    """
    module = importlib.import_module(f"benchmarks.speed.contenders.{framework}")
    for name in CASES:
        given = case(SHAPES[network], clips=name == CASES[1], threads=threads)
        contenders = [*module.contenders(given), limit(given.entries, threads=threads)]
        base = contenders[0].group
        contenders[-1] = contenders[-1]._replace(group=base)  # its ratio is to the first one
        for timing in interleave(contenders, seconds):
            yield _row(timing, framework=framework, network=network, case=name, threads=threads)


def _row(timing: Timing, **names: object) -> Row:
    return {**names, **timing._asdict()}


def main() -> None:
    """Print the rows of one framework and network as JSON, one a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("network", choices=SHAPES)
    parser.add_argument("threads", type=int)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    # Threads that no variable limits, JAX's, have no other core to run on.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    warnings.simplefilter("ignore")  # peers warn: of donated memory, of their own old names
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    for row in rows(**vars(options)):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
