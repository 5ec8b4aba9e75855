"""One look at gradients within a TensorFlow program, which changes nothing of what it computes."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from gradclip.core.statistics import Statistics
from gradclip.tensorflow.many import norms
from gradclip.tensorflow.statistics import statistics

_EUCLIDEAN = 2.0
_FACTORS = {"Mul": (0, 1), "RealDiv": (0,)}  # where the tensor may be, beside a scalar


def columns(before: list[Any], after: list[Any]) -> list[Any]:
    """Return what a ring keeps of a step's gradients.

    Their norms are all that it keeps: to look for more in a graph costs a quarter of the step of
    a small network.

    Args:
        before: Gradients as they came; None where there is none.
        after: What the optimizer gets; the same object if nothing clips.

    Returns:
        Norms, and the norms after if they differ, (P,) each.
    """
    sources = [_source(t) for t in before]
    found = norms([s.tensor for s in sources], _EUCLIDEAN)
    if after is before:
        return [found * _factors(sources)]
    later = [_source(t) for t in after]
    same = all(a.tensor is b.tensor for a, b in zip(later, sources, strict=True))
    clipped = found if same else norms([s.tensor for s in later], _EUCLIDEAN)
    return [found * _factors(sources), clipped * _factors(later)]


def look(before: list[Any], after: list[Any]) -> tuple[Any, Any, Statistics]:
    """Return norms before and after, and statistics, of gradients that are there."""
    if after is before:
        found = [column.numpy() for column in _statistics(before)]
        return found[0], found[0], Statistics(None, *found)
    *found, later = (column.numpy() for column in _statistics_and_norms(before, after))
    return found[0], later, Statistics(None, *found)


@functools.partial(tf.function, autograph=False)
def _statistics(before: list[Any]) -> Any:
    return statistics(before)


@functools.partial(tf.function, autograph=False)
def _statistics_and_norms(before: list[Any], after: list[Any]) -> Any:
    return [*statistics(before), norms(after, _EUCLIDEAN)]


def readable(tensor: Any) -> bool:
    """Tell whether a tensor can be read where the program is now."""
    if isinstance(tensor, tf.IndexedSlices):
        return readable(tensor.values)
    if isinstance(tensor, tf.Variable | int | float):
        return True
    if not tf.is_tensor(tensor):
        return False
    if not tf.is_symbolic_tensor(tensor):
        return True
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None and graph is not tensor.graph:
        graph = getattr(graph, "outer_graph", None)
    return graph is not None


class _Source(NamedTuple):
    """A tensor that another one is a multiple of."""

    tensor: Any
    factors: tuple[Any, ...] = ()  # tensors () to multiply it by
    divisors: tuple[Any, ...] = ()


def _source(tensor: Any) -> _Source:
    """Return what was multiplied to make a tensor of a graph.

    A product that something else reads as well is no longer merged with what follows it, such as
    a learning rate: the program would round differently.
    """
    if tensor is None:
        return _Source(None)
    if isinstance(tensor, tf.IndexedSlices):
        found = _source(tensor.values)
        return found._replace(
            tensor=tf.IndexedSlices(found.tensor, tensor.indices, tensor.dense_shape)
        )
    found = _Source(tensor)
    while (step := _peeled(found)) is not None:
        found = step
    return found


def _peeled(source: _Source) -> _Source | None:
    """Return the same with one operation less; None if it is no multiple of anything."""
    operation = source.tensor.op
    inputs = list(operation.inputs)
    if operation.type == "Identity":
        return source._replace(tensor=inputs[0])
    for place in _FACTORS.get(operation.type, ()):
        given, scalar = inputs[place], inputs[1 - place]
        if scalar.shape.num_elements() == 1 and scalar.shape.rank <= (given.shape.rank or 0):
            if operation.type == "Mul":
                return source._replace(tensor=given, factors=(*source.factors, scalar))
            return source._replace(tensor=given, divisors=(*source.divisors, scalar))
    return None


def _factors(sources: list[_Source]) -> Any:
    """Return what tensors are multiplied by, float64 (P,)."""
    if not any(s.factors or s.divisors for s in sources):
        return tf.ones([len(sources)], tf.float64)
    return tf.stack([_factor(s) for s in sources])


def _factor(source: _Source) -> Any:
    """Return the modulus of what a tensor is multiplied by, float64 ()."""
    product = tf.ones([], tf.float64)
    for factor in source.factors:
        product *= tf.abs(tf.cast(tf.reshape(factor, []), tf.float64))
    for divisor in source.divisors:
        product /= tf.abs(tf.cast(tf.reshape(divisor, []), tf.float64))
    return product
