"""What contenders work on."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.shapes import Shapes

CASES = ("nothing to clip", "clipping")
_MOST_COMPILED = 500  # XLA takes minutes for 2,000 tensors


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Gradients, and whether there is something to clip.

    Attributes:
        shapes: The gradients' shapes.
        entries: The entries of all of them, one after the other: normal numbers.
        clips: Whether the threshold lies below the gradients' norm.
        threads: How many threads may work.
        compile_all: Whether to compile with XLA too, which takes minutes for thousands of tensors.
    """

    shapes: Shapes
    entries: NDArray[np.float32]
    clips: bool
    threads: int
    compile_all: bool = True

    @property
    def limit(self) -> float:
        """A threshold that scales by a half, or none that is ever reached."""
        return 0.5 * norm(self.entries) if self.clips else 1e9

    def arrays(self) -> list[NDArray[np.float32]]:
        """Return the gradients: arrays of their own, as training makes them."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        flat = np.split(self.entries, ends[:-1])
        return [x.reshape(shape).copy() for x, shape in zip(flat, self.shapes, strict=True)]


def case(shapes: Shapes, *, clips: bool, threads: int) -> Case:
    """Return a case with normal numbers for gradients."""
    total = sum(map(math.prod, shapes))
    entries = np.random.default_rng(0).standard_normal(total, np.float32)
    compile_all = len(shapes) <= _MOST_COMPILED
    return Case(
        shapes=shapes, entries=entries, clips=clips, threads=threads, compile_all=compile_all
    )


def norm(entries: NDArray[np.float32]) -> float:
    """Return the 2-norm, summed in float64, in pieces that fit."""
    pieces = np.split(entries, range(2**20, len(entries), 2**20))
    return math.sqrt(math.fsum(float(np.sum(np.square(x, dtype=np.float64))) for x in pieces))
