"""Two functions that do the same work, and what they work on."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.speed.shapes import Shapes

Run = Callable[[], object]
Array = np.ndarray[Any, np.dtype[np.float32]]


class Pair(NamedTuple):
    """Two functions that do the same work.

    Attributes:
        name: What they are called.
        own: gradclip's.
        peer: The framework's.
    """

    name: str
    own: Run
    peer: Run


def gradients(shapes: Shapes) -> list[Array]:
    """Return normal numbers in float32."""
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape, np.float32) for shape in shapes]
