"""The training operations of TensorFlow 1's graphs, and a tensor beside each that tells of it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.rounds import Part
from gradclip.instrumenting.tensorflow.ancestors import ancestors
from gradclip.instrumenting.tensorflow.trained import Trained

_PLACE = "_gradclip_watched"  # an attribute of the graph: what it holds dies with the graph
_SCALARS = 4  # the loss, the learning rate, the limit, and whether the step is skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOp:
    """An operation that makes a step.

    Attributes:
        trained: What it trains.
        row: Numbers of the step, then norms before, and norms after if they differ; float64.
        has_loss: Whether there is a loss, NaN where it cannot be read.
    """

    trained: Trained
    row: Any
    has_loss: bool

    def part(self, row: Any) -> Part:
        """Return what a row says of a step that was made."""
        loss, rate, limit, skipped = map(float, row[:_SCALARS])
        length = len(self.trained)
        before, after = row[_SCALARS : _SCALARS + length], row[_SCALARS + length :]
        return Part(
            optimizer=self.trained.kind,
            parameters=self.trained.parameters,
            before=before,
            after=after if len(after) else before,
            limit=limit,
            skipped=bool(skipped),
            loss=loss if self.has_loss else None,
            learning_rate=None if math.isnan(rate) else rate,
        )


class Watched:
    """What is known of one graph.

    Attributes:
        operations: Its training operations.
    """

    def __init__(self) -> None:
        self.operations: dict[Any, TrainOp] = {}
        self._losses: dict[int, tuple[Any, list[Any]]] = {}  # of each gradient
        self._run: dict[Any, list[TrainOp]] = {}  # by each operation that was fetched

    def differentiated(self, losses: list[Any], gradients: Iterable[Any]) -> None:
        """Remember whose gradients these are."""
        for gradient in gradients:
            if gradient is not None:
                self._losses[id(gradient)] = (gradient, losses)

    def losses(self, gradients: Iterable[Any]) -> list[Any]:
        """Return what gradients are of, each loss once."""
        found = [loss for g in gradients if g is not None for loss in self._of(g)]
        return list({id(loss): loss for loss in found}.values())

    def add(self, operation: Any, made: TrainOp) -> None:
        """Get to know a training operation."""
        self.operations[operation] = made
        self._run.clear()

    def run_by(self, operations: Sequence[Any]) -> list[TrainOp]:
        """Return the training operations that run when these are fetched."""
        found = {id(made): made for each in operations for made in self._run_by(each)}
        return list(found.values())

    def _of(self, gradient: Any) -> list[Any]:
        known, losses = self._losses.get(id(gradient), (None, []))
        return losses if known is gradient else []

    def _run_by(self, operation: Any) -> list[TrainOp]:
        if operation not in self._run:
            run = ancestors([operation])
            self._run[operation] = [t for known, t in self.operations.items() if known in run]
        return self._run[operation]


def watched(graph: Any) -> Watched:
    """Return what is known of a graph, which keeps it."""
    found: Watched | None = seen(graph)
    if found is None:
        found = Watched()
        setattr(graph, _PLACE, found)
    return found


def seen(graph: Any) -> Watched | None:
    """Return what is known of a graph; None if nothing is."""
    found: Watched | None = getattr(graph, _PLACE, None)
    return found


def row_of(numbers: Sequence[Any], columns: Sequence[Any]) -> Any:
    """Return one tensor of a step's numbers and norms.

    Args:
        numbers: The loss, the learning rate, the limit and whether the step is skipped.
        columns: Norms before, and norms after if they differ, (P,) each.
    """
    head = tf.stack([tf.cast(number, tf.float64) for number in numbers])
    return tf.concat([head, *(tf.cast(column, tf.float64) for column in columns)], 0)
