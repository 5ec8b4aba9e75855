"""`python -m benchmarks.speed [PART ...]`: measure, and write the tables, plots and page.

Parts are functions, steps, growth and accuracy, all by default. What is not measured again is kept.
"""

import argparse
import os
from collections.abc import Callable, Iterator

from benchmarks.speed import accuracy, functions, growth, steps, store
from benchmarks.speed.page import write_page
from benchmarks.speed.plots import write_plots
from benchmarks.speed.shapes import NETWORKS

_QUICK = 0.1  # of the usual time


def main() -> None:
    """Measure the parts that the command line names, one after the other."""
    options = _options()
    if not options.page_only:
        for part in options.parts or store.PARTS:
            store.keep(part, _shown(part, _MEASURES[part](options)))
    results = store.read()
    write_plots(results)
    write_page(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[[], *store.PARTS])
    parser.add_argument("--framework", action="append", choices=functions.FRAMEWORKS)
    parser.add_argument("--network", action="append", choices=[*NETWORKS])
    parser.add_argument("--model", action="append", choices=steps.NAMES)
    parser.add_argument("--threads", type=int, default=_cores(), help="all cores by default")
    parser.add_argument("--small", action="store_true", help="leave out 1e9 entries: 8 GB")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, to look at")
    parser.add_argument("--page-only", action="store_true", help="make page and plots again")
    return parser.parse_args()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shown(part: str, rows: Iterator[store.Row]) -> Iterator[store.Row]:
    """Say what is measured as it comes: the whole takes half an hour."""
    for row in rows:
        names = [f"{row[key]}" for key in _SHOWN if key in row]
        print(part, *names, sep=" | ", flush=True)
        yield row


_SHOWN = ("framework", "network", "model", "axis", "size", "case", "name")


def _seconds(usual: float, options: argparse.Namespace) -> float:
    return usual * _QUICK if options.quick else usual


def _functions(options: argparse.Namespace) -> Iterator[store.Row]:
    return functions.measure(
        tuple(options.framework or functions.FRAMEWORKS),
        tuple(options.network or NETWORKS),
        threads=options.threads,
        seconds=_seconds(functions.SECONDS, options),
    )


def _steps(options: argparse.Namespace) -> Iterator[store.Row]:
    names = tuple(options.model or steps.NAMES)
    return steps.measure(names, threads=options.threads, seconds=_seconds(steps.SECONDS, options))


def _growth(options: argparse.Namespace) -> Iterator[store.Row]:
    entries = growth.SMALL_ENTRIES if options.small else growth.ENTRIES
    seconds = _seconds(growth.SECONDS, options)
    return growth.measure(entries=entries, threads=options.threads, seconds=seconds)


def _accuracy(options: argparse.Namespace) -> Iterator[store.Row]:
    return accuracy.measure(threads=options.threads)


_MEASURES: dict[str, Callable[[argparse.Namespace], Iterator[store.Row]]] = {
    "functions": _functions,
    "steps": _steps,
    "growth": _growth,
    "accuracy": _accuracy,
}

if __name__ == "__main__":
    main()
