"""Trains all that is asked for, each network on one core."""

import multiprocessing
import os
from collections.abc import Sequence

from benchmarks.clipping.jobs import Job
from benchmarks.clipping.store import read, write
from benchmarks.clipping.train import Outcome, train


def run(jobs: Sequence[Job], num_processes: int) -> None:
    """Train, and store each outcome as soon as it is there."""
    for library in ("OMP", "OPENBLAS", "MKL"):  # read by the processes that begin now
        os.environ[f"{library}_NUM_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(num_processes) as pool:
        for number, (job, outcome) in enumerate(pool.imap_unordered(_pair, jobs), start=1):
            write(read() | {job: outcome})
            print(f"{number} of {len(jobs)}: {job}, {_words(outcome)}", flush=True)


def _pair(job: Job) -> tuple[Job, Outcome]:
    return job, train(job)


def _words(outcome: Outcome) -> str:
    solved = f"solved at {outcome.solved_at}" if outcome.solved_at else "not solved"
    return f"{solved}, test loss {outcome.test_loss:.3g} after {outcome.steps} steps"
