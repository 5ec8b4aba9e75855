"""What one look at gradients tells of each of them."""

from typing import NamedTuple

from gradclip.core.namespace import Array


class Statistics(NamedTuple):
    """What `gradient_statistics` found of T tensors; a pytree to JAX, a nest to TensorFlow.

    Where there is None in place of a gradient, its entries are 0. Of sparse tensors the stored
    entries count, rows that occur twice summed first.

    Attributes:
        global_norm: The 2-norm of all tensors as one vector, ().
        norms: Each tensor's 2-norm, (T,); inf or NaN where an entry is.
        largest: Each tensor's largest modulus, (T,); inf where an entry is, NaN where one is.
        nonfinite: Each tensor's number of entries that are NaN or infinite, (T,), integers.
        zeros: Each tensor's number of entries that are 0 or -0, (T,), integers.

    Example:
        >>> import numpy as np, gradclip
        >>> found = gradclip.gradient_statistics([np.array([3.0, 0.0, -4.0]), None])
        >>> float(found.global_norm), found.largest, found.zeros
        (5.0, array([4., 0.]), array([1, 0]))
    """

    global_norm: Array
    norms: Array
    largest: Array
    nonfinite: Array
    zeros: Array
