"""How time and memory grow with the number of tensors and of entries, in PyTorch."""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

import gradclip.torch
from benchmarks.speed.functions import environment
from benchmarks.speed.store import Row
from benchmarks.speed.timing import Contender, interleave

AXES = ("tensors", "entries")
_ENTRIES_EACH = 1000  # of a tensor, where their number grows
_TENSORS = 100  # where the number of entries grows
TENSORS = (10, 100, 1_000, 10_000)
ENTRIES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
SMALL_ENTRIES = ENTRIES[:-1]  # 1e9 are 4 GB
SECONDS = 3.0
_LIMIT = 1e9
_PROCESS = Path("/proc/self")


def measure(
    tensors: Sequence[int] = TENSORS,
    entries: Sequence[int] = ENTRIES,
    *,
    threads: int,
    seconds: float = SECONDS,
) -> Iterator[Row]:
    """Measure each size in processes of its own, with nothing to clip.

    Args:
        tensors: Numbers of tensors of 1,000 entries.
        entries: Numbers of entries, shared out to 100 tensors.
        threads: How many threads to use.
        seconds: How long the contenders of a size take turns.

    Yields:
        A row for each size and contender: time, and the memory that a call needs beyond
        the gradients.
    """
    sizes = [("tensors", n) for n in tensors] + [("entries", n) for n in entries]
    for axis, size in sizes:
        rows = _run(axis, size, threads, str(seconds))
        for row in rows:
            (extra,) = _run(axis, size, threads, row["name"])
            yield row | extra


def _run(axis: str, size: int, threads: int, what: str) -> list[Row]:
    command = [sys.executable, "-m", "benchmarks.speed.growth", axis, str(size), str(threads)]
    done = subprocess.run(
        [*command, what],
        check=True, stdout=subprocess.PIPE, text=True, env=environment(threads),
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(axis: str, size: int, threads: int, seconds: float) -> Iterator[Row]:
    """Time a size in this process.

    Yields:
        A row for each contender.
    """
    runs = _runs(_parameters(axis, size))
    contenders = [Contender(name, run) for name, run in runs.items()]
    for timing in interleave(contenders, seconds):
        yield {"axis": axis, "size": size, "threads": threads, **timing._asdict()}


def extra_bytes(axis: str, size: int, name: str) -> int:
    """Return by how much the process grows while one contender clips for the first time.

    It has clipped a small gradient before, so that libraries are loaded.
    """
    _runs(_parameters("tensors", 1))[name]()
    run = _runs(_parameters(axis, size))[name]
    before = _reset_peak()
    run()
    return max(0, _peak() - before)


def _parameters(axis: str, size: int) -> list[torch.nn.Parameter]:
    count, each = (size, _ENTRIES_EACH) if axis == "tensors" else (_TENSORS, size // _TENSORS)
    parameters = [torch.nn.Parameter(torch.zeros(each)) for _ in range(count)]
    for i, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, 1e-3 * (i + 1))
    return parameters


def _runs(parameters: list[torch.nn.Parameter]) -> dict[str, Callable[[], object]]:
    def with_statistics() -> object:
        found = gradclip.torch.gradient_statistics([p.grad for p in parameters])
        gradclip.torch.clip_grads_with_norm_(parameters, _LIMIT, found.global_norm)
        return found

    return {
        "torch clip_grad_norm_": lambda: torch.nn.utils.clip_grad_norm_(parameters, _LIMIT),
        "gradclip clip_grad_norm_": lambda: gradclip.torch.clip_grad_norm_(parameters, _LIMIT),
        "gradclip, four statistics": with_statistics,
    }


def _reset_peak() -> int:
    """Return the memory in use, and let the peak start from there where the system can."""
    reset = _PROCESS / "clear_refs"
    if not reset.exists():
        return _peak()
    reset.write_text("5")
    return _kilobytes("VmRSS") * 1024


def _peak() -> int:
    if _PROCESS.exists():
        return _kilobytes("VmHWM") * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _kilobytes(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Print a size's rows as JSON, or what one contender needs beyond the gradients."""
    parser = argparse.ArgumentParser()
    parser.add_argument("axis", choices=AXES)
    parser.add_argument("size", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("what", help="seconds to time them, or a contender's name")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.what in _runs([]):
        extra = extra_bytes(options.axis, options.size, options.what)
        print(json.dumps({"extra_bytes": extra}))
        return
    for row in rows(options.axis, options.size, options.threads, float(options.what)):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
