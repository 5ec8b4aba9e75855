"""Interleaved timing: what disturbs one contender disturbs the others as well."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

_MIN_ROUNDS, _MAX_ROUNDS = 5, 400
# Who takes longer than this many times the fastest runs in the first rounds alone: naive logging
# of GPT-2 takes seconds.
_SLOW, _SLOW_ROUNDS = 30, 5


def nothing() -> None:
    """Prepare nothing."""


class Contender(NamedTuple):
    """One way to do the work.

    Attributes:
        name: What it is called.
        run: The work; it returns when it is done.
        group: Those that do the same: ratios are to the group's first.
        prepare: What has to be done before each turn, without being timed.
    """

    name: str
    run: Callable[[], object]
    group: str = ""
    prepare: Callable[[], object] = nothing


class Spread(NamedTuple):
    """The middle of some numbers and how far they lie apart.

    Attributes:
        median: The middle one.
        low: The first quartile.
        high: The third quartile.
    """

    median: float
    low: float
    high: float


class Timing(NamedTuple):
    """What was measured of one contender.

    Attributes:
        group: The contender's group.
        name: Its name.
        milliseconds: Its times.
        ratio: Its times over those of the group's first, round by round.
        rounds: The number of rounds.
    """

    group: str
    name: str
    milliseconds: Spread
    ratio: Spread
    rounds: int


def interleave(
    contenders: Sequence[Contender], seconds: float, max_rounds: int = _MAX_ROUNDS
) -> list[Timing]:
    """Run the contenders in turn until the time is used up; the first two rounds warm up.

    Each round has an order of its own, so that none always follows the same one.

    Args:
        contenders: What is compared.
        seconds: How long.
        max_rounds: The most rounds.

    Returns:
        One timing each.
    """
    for contender in contenders:
        _milliseconds(contender)
    slow = _slow([_milliseconds(contender) for contender in contenders])
    times: list[list[float]] = [[] for _ in contenders]
    order, shuffle = list(range(len(contenders))), random.Random(0).shuffle
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < _MIN_ROUNDS or (time.perf_counter() < end and rounds < max_rounds):
        shuffle(order)
        for i in order:
            if rounds < _SLOW_ROUNDS or i not in slow:
                times[i].append(_milliseconds(contenders[i]))
        rounds += 1
    return _timings(contenders, times)


def _slow(warm: list[float]) -> set[int]:
    """Return the places of those that are far slower than most; never the first one's."""
    bound = _SLOW * statistics.median(warm[:1] * 2 + warm)
    return {i for i, own in enumerate(warm) if i and own > bound}


def _milliseconds(contender: Contender) -> float:
    contender.prepare()
    start = time.perf_counter()
    contender.run()
    return 1e3 * (time.perf_counter() - start)


def _timings(contenders: Sequence[Contender], times: list[list[float]]) -> list[Timing]:
    """Return the spreads of times, and of their ratios within each round."""
    first: dict[str, list[float]] = {}
    timings = []
    for contender, own in zip(contenders, times, strict=True):
        base = first.setdefault(contender.group, own)
        # The slow have fewer rounds, and theirs are the first ones.
        ratios = [a / b for a, b in zip(own, base, strict=False)]
        spreads = (spread(own), spread(ratios))
        timings.append(Timing(contender.group, contender.name, *spreads, len(own)))
    return timings


def spread(values: list[float]) -> Spread:
    """Return the median and the quartiles of at least two numbers."""
    low, median, high = statistics.quantiles(values, n=4)
    return Spread(median, low, high)
