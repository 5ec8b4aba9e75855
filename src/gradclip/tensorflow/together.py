"""Many tensors as one vector: a graph of few operations, for branches that are seldom taken."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def join(tensors: list[Any]) -> list[Any]:
    """Return the entries of all tensors of each type as one vector; `tensors` is not empty."""
    types = list(dict.fromkeys(tensor.dtype for tensor in tensors))
    return [_vector([tensor for tensor in tensors if tensor.dtype == dtype]) for dtype in types]


def map_together(function: Callable[..., Any], tensors: list[Any], *others: list[Any]) -> list[Any]:
    """Apply a function by entry to tensors of any types and shapes.

    Args:
        function: What to apply: to vectors of entries of one type, and of those of the others.
        tensors: The tensors.
        *others: As many tensors of the same shapes.

    Returns:
        The results, in the shapes of the tensors.
    """
    results: dict[int, Any] = {}
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        places = [i for i, tensor in enumerate(tensors) if tensor.dtype == dtype]
        chosen = [tensors[i] for i in places]
        vectors = [_vector([given[i] for i in places]) for given in (tensors, *others)]
        pieces = tf.split(function(*vectors), [_size(t) for t in chosen], num=len(chosen))
        for place, piece, tensor in zip(places, pieces, chosen, strict=True):
            results[place] = tf.reshape(piece, tf.shape(tensor))
            results[place].set_shape(tensor.shape)
    return [results[i] for i in range(len(tensors))]


def _vector(tensors: list[Any]) -> Any:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def _size(tensor: Any) -> Any:
    """Return the number of entries, as a number where it is known."""
    number = tensor.shape.num_elements()
    return tf.size(tensor) if number is None else number
