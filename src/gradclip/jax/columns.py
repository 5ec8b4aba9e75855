"""What is measured of each tensor, as vectors with a place for every one."""

from collections.abc import Callable, Iterable

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from gradclip.jax.apply import are_apart, colocated


def columns(
    tensors: list[Array | None],
    measure: Callable[[list[Array]], Iterable[Array]],
    types: tuple[DTypeLike, ...],
) -> list[Array]:
    """Measure the tensors that are there.

    Args:
        tensors: T tensors; None where there is none. They may lie on different devices.
        measure: A function of tensors that one program can take, at least one, which returns a
            vector for each of the types.
        types: What the vectors consist of.

    Returns:
        The vectors (T,), 0 in place of None, where the first tensor is.
    """
    present = [t for t in tensors if t is not None]
    if not present:
        return [jnp.zeros(len(tensors), dtype) for dtype in types]
    if not are_apart(present):
        found = list(measure(present))
    else:
        rows = zip(*[measure([t]) for t in present], strict=True)
        found = [jnp.stack([colocated(x[0], present[0]) for x in row]) for row in rows]
    if len(present) == len(tensors):
        return found
    places = np.array([i for i, t in enumerate(tensors) if t is not None])
    return [jnp.zeros(len(tensors), x.dtype).at[places].set(x) for x in found]
