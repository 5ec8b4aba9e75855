"""gradclip on NumPy arrays, and the loop that posts print."""

import functools

import numpy as np

from benchmarks.speed.contenders.pair import Pair, gradients
from benchmarks.speed.shapes import Shapes
from gradclip.numpy import clip_by_global_norm


def pairs(shapes: Shapes, limit: float) -> list[Pair]:
    """Return what is timed."""
    arrays = gradients(shapes)

    def loop() -> object:
        norm = np.sqrt(sum(np.sum(g**2) for g in arrays))
        return [g * (limit / max(norm, limit)) for g in arrays]

    own = functools.partial(clip_by_global_norm, arrays, limit)
    return [Pair("clip_by_global_norm / a loop", own, loop)]
