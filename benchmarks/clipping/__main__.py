"""`python -m benchmarks.clipping`: train with each policy, write the page and its plots."""

import argparse
import os

from benchmarks.clipping.jobs import PARTS
from benchmarks.clipping.page import write_page
from benchmarks.clipping.plots import write_plots
from benchmarks.clipping.run import run
from benchmarks.clipping.store import read


def main() -> None:
    """Train what the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clipping", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--missing", action="store_true", help="only what is not stored yet")
    parser.add_argument("--page-only", action="store_true", help="make page and plots again")
    options = parser.parse_args()
    if not options.page_only:
        # Parts share trainings: each is made once.
        jobs = dict.fromkeys(job for part in options.parts or PARTS for job in PARTS[part]())
        known = read() if options.missing else {}
        run([job for job in jobs if job not in known], options.processes)
    outcomes = read()
    write_page(outcomes)
    write_plots(outcomes)


if __name__ == "__main__":
    main()
