"""gradclip on NumPy arrays, and the loop that posts print."""

import numpy as np

import gradclip.numpy
from benchmarks.speed.contenders.case import Case
from benchmarks.speed.timing import Contender


def contenders(case: Case) -> list[Contender]:
    """Return who is timed; all return new arrays."""
    arrays, limit = case.arrays(), case.limit

    def loop() -> object:
        total = np.sqrt(sum(np.sum(g**2) for g in arrays))
        return [g * (limit / max(total, limit)) for g in arrays]

    def with_statistics() -> object:
        found = gradclip.numpy.gradient_statistics(arrays)
        clipped = gradclip.numpy.clip_by_global_norm(arrays, limit, use_norm=found.global_norm)
        return clipped, found

    return [
        Contender("a loop: sum of squares, multiply", loop),
        Contender(
            "gradclip clip_by_global_norm",
            lambda: gradclip.numpy.clip_by_global_norm(arrays, limit),
        ),
        Contender("gradclip, four statistics", with_statistics),
    ]
