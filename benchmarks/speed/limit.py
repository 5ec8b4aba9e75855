"""How fast this machine reads memory: what no clipping can be faster than."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.timing import Contender, interleave
from gradclip.kernels import cpu

LIMIT = "limit: reading once"
_CHUNK = 2**20


def limit(entries: NDArray[np.float32], *, threads: int) -> Contender:
    """Return the fastest plain reduction here over as many entries as the gradients have.

    Args:
        entries: A flat array.
        threads: How many threads the reduction in C may use.

    Returns:
        What takes part in the rounds as the limit.
    """
    candidates = [Contender("NumPy's dot in chunks", lambda: _dots(entries))]
    if cpu.available():
        candidates.append(Contender("C", _in_c(entries, threads)))
    timings = interleave(candidates, seconds=0.5)
    fastest = min(range(len(candidates)), key=lambda i: timings[i].milliseconds.median)
    return Contender(LIMIT, candidates[fastest].run)


def _dots(entries: NDArray[np.float32]) -> float:
    pieces = np.split(entries, range(_CHUNK, len(entries), _CHUNK))
    return math.sqrt(sum(float(np.dot(x, x)) for x in pieces))


def _in_c(entries: NDArray[np.float32], threads: int) -> Callable[[], float]:
    """Return a reading of one array by the C library: one tensor, so nothing but the reading."""
    table = cpu.Table([entries.ctypes.data], [len(entries)], bytes([cpu.Type.FLOAT32]))

    def read() -> float:
        assert len(entries)  # held here: a table holds addresses alone
        return table.measure(cpu.What.SQUARES, threads).global_norm

    return read
