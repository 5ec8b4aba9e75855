"""Builds, beside a training operation of TensorFlow 1's, what tells of its steps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.tensorflow.ancestors import ancestors, is_free, reads_alone
from gradclip.instrumenting.tensorflow.graphs import TrainOp, row_of, watched
from gradclip.instrumenting.tensorflow.ring import SKIPPED
from gradclip.instrumenting.tensorflow.trained import Trained


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What is known before an optimizer adds its operations to a graph.

    Attributes:
        losses: Losses that can be read.
        first: Those of them that must be computed before the weights change.
        hides: Whether there are others.
    """

    losses: list[Any]
    first: list[Any]
    hides: bool = False


def prepare(losses: Sequence[Any], gradients: Sequence[Any]) -> Prepared:
    """Choose which losses are read.

    Args:
        losses: What was differentiated.
        gradients: What the optimizer gets.

    Returns:
        All of them, or none: where one would need input of its own, it is not read.
    """
    run = ancestors(tensor.op for tensor in tf.nest.flatten(gradients, expand_composites=True))
    if not all(is_free(loss, run) for loss in losses):
        return Prepared(losses=[], first=[], hides=True)
    return Prepared(losses=list(losses), first=[t for t in losses if reads_alone(t, run)])


def register(
    graph: Any,
    made: Any,
    prepared: Prepared,
    trained: Trained,
    *,
    rate: Any,
    found: Callable[[], tuple[Any, Any, list[Any]]],
) -> None:
    """Have the steps of a training operation told of.

    Args:
        graph: The graph.
        made: What the optimizer returned.
        prepared: What was known before.
        trained: What it trains.
        rate: The learning rate, or None.
        found: Builds the kind of a step, the limit, and norms before and after.
    """
    operation = made if isinstance(made, tf.Operation) else made.op
    if tf.is_tensor(rate) and not is_free(rate, ancestors([operation])):
        rate = None
    with graph.as_default(), tf.control_dependencies(None), tf.name_scope("gradclip/"):
        kind, limit, columns = found()
        numbers = [_total(prepared.losses), math.nan if rate is None else rate, limit]
        row = row_of([*numbers, tf.equal(kind, SKIPPED)], columns)
    step = TrainOp(trained=trained, row=row, has_loss=bool(prepared.losses or prepared.hides))
    watched(graph).add(operation, step)


def _total(losses: Sequence[Any]) -> Any:
    """Return the sum of the losses' entries, which is what is differentiated."""
    sums = [tf.cast(tf.reduce_sum(loss), tf.float64) for loss in losses]
    return sum(sums[1:], start=sums[0]) if sums else math.nan
