"""Many tensors as one vector: a graph of few operations, for branches that are seldom taken."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def join(tensors: list[Any]) -> list[Any]:
    """Return the entries of all tensors of each type as one vector; `tensors` is not empty."""
    return [_vector([tensors[i] for i in places]) for places in _by_type(tensors)]


def part(vectors: list[Any], tensors: list[Any]) -> list[Any]:
    """Take vectors apart: the inverse of `join`.

    Args:
        vectors: As many as `join` returned, each as long.
        tensors: The tensors that were joined.

    Returns:
        The entries in the shapes of the tensors.
    """
    results: dict[int, Any] = {}
    for vector, places in zip(vectors, _by_type(tensors), strict=True):
        pieces = tf.split(vector, [_size(tensors[i]) for i in places], num=len(places))
        results |= {i: _shaped(piece, tensors[i]) for i, piece in zip(places, pieces, strict=True)}
    return [results[i] for i in range(len(tensors))]


def map_together(function: Callable[..., Any], tensors: list[Any], *others: list[Any]) -> list[Any]:
    """Apply a function by entry to tensors of any types and shapes.

    Args:
        function: What to apply: to vectors of entries of one type, and of those of the others.
        tensors: The tensors.
        *others: As many tensors of the same shapes.

    Returns:
        The results, in the shapes of the tensors.
    """
    lists = [
        [_vector([given[i] for i in places]) for given in (tensors, *others)]
        for places in _by_type(tensors)
    ]
    return part([function(*vectors) for vectors in lists], tensors)


def _by_type(tensors: list[Any]) -> list[list[int]]:
    """Return the places of the tensors of each type."""
    types = dict.fromkeys(tensor.dtype for tensor in tensors)
    return [[i for i, tensor in enumerate(tensors) if tensor.dtype == dtype] for dtype in types]


def _vector(tensors: list[Any]) -> Any:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def _size(tensor: Any) -> Any:
    """Return the number of entries, as a number where it is known."""
    number = tensor.shape.num_elements()
    return tf.size(tensor) if number is None else number


def _shaped(piece: Any, tensor: Any) -> Any:
    """Return a vector in the shape of a tensor."""
    if tensor.shape.is_fully_defined():
        return tf.reshape(piece, tensor.shape)
    shaped = tf.reshape(piece, tf.shape(tensor))
    shaped.set_shape(tensor.shape)
    return shaped
