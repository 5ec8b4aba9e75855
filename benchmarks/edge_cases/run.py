"""Run the cases, each framework in a process of its own."""

import importlib
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Collection

from benchmarks.edge_cases.cases import CASES
from benchmarks.edge_cases.judge import Verdict, judge

FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax", "keras")
Results = dict[str, dict[str, Verdict]]  # of a subject, of a case


def run(framework: str, keys: Collection[str] = ()) -> Results:
    """Return the verdicts on a framework's subjects, from a fresh process.

    Args:
        framework: One of `FRAMEWORKS`.
        keys: The cases; all by default.

    Returns:
        The verdicts by subject and case.
    """
    command = [sys.executable, "-m", "benchmarks.edge_cases.run", framework, *keys]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)
    return read(done.stdout.splitlines()[-1])


def read(text: str) -> Results:
    """Return results from their JSON."""
    stored = json.loads(text)
    return {
        subject: {key: Verdict(*verdict) for key, verdict in verdicts.items()}
        for subject, verdicts in stored.items()
    }


def judge_all(framework: str, keys: Collection[str]) -> Results:
    """Return the verdicts on a framework's subjects."""
    subjects = importlib.import_module(f"benchmarks.edge_cases.subjects.{framework}").SUBJECTS
    cases = [case for case in CASES if case.key in keys or not keys]
    return {
        name: {case.key: judge(case, make()) for case in cases} for name, make in subjects.items()
    }


def main(framework: str, *keys: str) -> None:
    """Print the verdicts on a framework as JSON, on one line."""
    warnings.simplefilter("ignore")  # peers warn of what the page shows anyway
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    print(json.dumps(judge_all(framework, keys)))


if __name__ == "__main__":
    main(*sys.argv[1:])
