"""Interleaved timing: what disturbs one contender disturbs the other as well."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

_SECONDS = 4.0
_MIN_ROUNDS, _MAX_ROUNDS = 7, 200


class Timing(NamedTuple):
    """The times of one contender, in milliseconds.

    Attributes:
        median: The middle one.
        low: The first quartile.
        high: The third quartile.
    """

    median: float
    low: float
    high: float


def interleave(contenders: list[Callable[[], object]]) -> list[Timing]:
    """Run the contenders in turn until the time is used up; the first two turns warm up.

    Args:
        contenders: Functions that return when their work is done.

    Returns:
        One timing each.
    """
    for contender in contenders * 2:
        contender()
    times: list[list[float]] = [[] for _ in contenders]
    end = time.perf_counter() + _SECONDS
    while len(times[0]) < _MIN_ROUNDS or (
        time.perf_counter() < end and len(times[0]) < _MAX_ROUNDS
    ):
        for contender, own in zip(contenders, times, strict=True):
            start = time.perf_counter()
            contender()
            own.append(1e3 * (time.perf_counter() - start))
    return [_timing(own) for own in times]


def _timing(times: list[float]) -> Timing:
    low, median, high = statistics.quantiles(times, n=4)
    return Timing(median, low, high)
