"""Times of calls on a device."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from benchmarks.speed.timing import Contender, Spread, interleave

_TURN = 4e-3  # seconds of work a turn, so that starting and ending do not count
_MOST = 200
_HOST_CALLS = 20


class Row(NamedTuple):
    """What was measured of one contender.

    Attributes:
        name: Its name.
        milliseconds: Of one call, on the device.
        ratio: To the first contender.
        host_microseconds: Of one call until it returns, nothing being waited for.
    """

    name: str
    milliseconds: Spread
    ratio: Spread
    host_microseconds: float


class Work(NamedTuple):
    """What is timed.

    Attributes:
        name: Its name.
        call: The work; it need not wait.
        prepare: What is done before each turn of many calls, untimed.
    """

    name: str
    call: Callable[[], object]
    prepare: Callable[[], object]


def wait() -> None:
    """Wait for the device, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(works: list[Work], *, seconds: float, device: torch.device) -> list[Row]:
    """Return the times of each; all of them make as many calls a turn."""
    for work in works:
        work.prepare()
        work.call()
    calls = 1 if device.type == "cpu" else _calls(works[0])
    contenders = [Contender(w.name, _turn(w, calls), prepare=_ready(w)) for w in works]
    host_calls = 1 if device.type == "cpu" else _HOST_CALLS
    timings = interleave(contenders, seconds)
    return [
        Row(w.name, Spread(*(x / calls for x in t.milliseconds)), t.ratio, _host(w, host_calls))
        for w, t in zip(works, timings, strict=True)
    ]


def _calls(work: Work) -> int:
    """Return how many calls make a turn."""
    wait()
    start = time.perf_counter()
    work.call()
    wait()
    return max(1, min(_MOST, round(_TURN / (time.perf_counter() - start))))


def _turn(work: Work, calls: int) -> Callable[[], None]:
    def turn() -> None:
        for _ in range(calls):
            work.call()
        wait()

    return turn


def _ready(work: Work) -> Callable[[], None]:
    def ready() -> None:
        work.prepare()
        wait()

    return ready


def _host(work: Work, calls: int) -> float:
    """Return the microseconds until a call returns."""
    _ready(work)()
    start = time.perf_counter()
    for _ in range(calls):
        work.call()
    elapsed = time.perf_counter() - start
    wait()
    return 1e6 * elapsed / calls
