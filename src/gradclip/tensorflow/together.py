"""Many tensors as one vector: a graph of few operations, for branches that are seldom taken."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def join(tensors: list[Any]) -> list[Any]:
    """Return the entries of all tensors of each type as one vector; `tensors` is not empty."""
    types = list(dict.fromkeys(tensor.dtype for tensor in tensors))
    return [_vector([tensor for tensor in tensors if tensor.dtype == dtype]) for dtype in types]


def map_together(function: Callable[[Any], Any], tensors: list[Any]) -> list[Any]:
    """Apply a function by entry, which keeps the type, to tensors of any types and shapes."""
    results: dict[int, Any] = {}
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        places = [i for i, tensor in enumerate(tensors) if tensor.dtype == dtype]
        chosen = [tensors[i] for i in places]
        pieces = tf.split(function(_vector(chosen)), [_size(t) for t in chosen], num=len(chosen))
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
