"""The order in which the images are seen, the same in every framework."""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def batches(num_images: int, batch_size: int, *, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the images' indices batch by batch, shuffled anew each epoch, without end.

    Args:
        num_images: How many images there are.
        batch_size: Images a batch; an epoch's last batch holds what is left.
        seed: What the order is drawn from.

    Yields:
        Indices, (batch_size,) or fewer.

    Example:
        >>> [len(batch) for batch, _ in zip(batches(10, 4, seed=0), range(4))]
        [4, 4, 2, 4]
    """
    rng = np.random.default_rng([seed, 1])
    for _ in itertools.count():
        order = rng.permutation(num_images)
        for start in range(0, num_images, batch_size):
            yield order[start : start + batch_size]


def num_batches(num_images: int, batch_size: int) -> int:
    """Return the number of batches of an epoch.

    Example:
        >>> num_batches(60000, 128)
        469
    """
    return -(-num_images // batch_size)
