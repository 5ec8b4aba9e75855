"""The last steps of a compiled program, kept in TensorFlow variables until the host reads them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gradclip.instrumenting.column import Column, Table
from gradclip.instrumenting.tensorflow.values import value

ROWS = 256  # steps that one call of a program may make without one being lost
_SCALARS = 5  # the kind, the stamp, the loss, the learning rate and the limit
_COLUMNS = 2  # norms before, and after
_LARGEST_STAMP = 2**23  # float32 counts so far without rounding
STEP, SKIPPED, LOSS = 1.0, 2.0, 0.0  # the kinds: of a `LOSS` there is nothing else, and no step


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a compiled step wrote down.

    Attributes:
        kind: `STEP`, `SKIPPED` or `LOSS`.
        stamp: Its place among the rows of all rings.
        loss: The loss; None if it was not seen.
        learning_rate: The learning rate; None if it was not seen.
        limit: The threshold in force.
        before: Norms of the gradients as they came, (P,).
        after: The same of what the optimizer got; the same object if nothing clips.
    """

    kind: float
    stamp: int
    loss: float | None
    learning_rate: float | None
    limit: float
    before: Column
    after: Column


class Clock:
    """Counts the rows of all rings, so that their order is known."""

    def __init__(self) -> None:
        with tf.init_scope():
            self.count = tf.Variable(0, dtype=tf.int64, trainable=False, name="gradclip_clock")

    def stamp(self) -> Any:
        """Return the next number, float32 ()."""
        return tf.cast(self.count.assign_add(1) % _LARGEST_STAMP, tf.float32)

    def read(self) -> int:
        """Return how many there have been."""
        return int(value(self.count))


class Ring:
    """The last rows that compiled steps of one optimizer wrote.

    Args:
        length: P, the number of its parameters.
        clock: What counts the rows of all rings.
    """

    def __init__(self, length: int, clock: Clock) -> None:
        self._length = length
        self._clock = clock
        self._read = 0
        self.lost = 0
        with tf.init_scope():  # what a traced function makes is else its own
            shape = [ROWS, _SCALARS + _COLUMNS * length]
            self._rows = tf.Variable(tf.zeros(shape), trainable=False, name="gradclip_rows")
            self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="gradclip_count")

    def write(self, kind: Any, numbers: list[Any], columns: list[Any]) -> None:
        """Write a row, within a graph.

        Args:
            kind: What it is of.
            numbers: The loss, the learning rate and the limit, NaN where they are not known.
            columns: Norms before, and norms after if they differ, (P,) each; none of a `LOSS`.
        """
        scalars = [kind, self._clock.stamp(), *numbers]
        head = tf.stack([tf.cast(tf.stop_gradient(x), tf.float32) for x in scalars])
        row = tf.concat([head, *(tf.cast(c, tf.float32) for c in columns)], 0)
        missing = _SCALARS + _COLUMNS * self._length - int(row.shape[0])
        row = tf.pad(row, [[0, missing]], constant_values=-1.0)  # no norm is negative
        written = tf.raw_ops.ResourceScatterUpdate(
            resource=self._rows.handle, indices=self._count % ROWS, updates=row
        )
        with tf.control_dependencies([written]):  # whoever sees the count sees the row
            self._count.assign_add(1)

    def read(self) -> list[Seen]:
        """Return the rows since the last call."""
        count = int(value(self._count))
        new = count - self._read
        if not new:
            return []
        self._read = count
        self.lost += max(new - ROWS, 0)
        found = range(count - min(new, ROWS), count)
        rows = np.take(value(self._rows), [i % ROWS for i in found], axis=0)
        table = Table(rows)
        return [self._seen(table, i, row) for i, row in enumerate(rows.tolist())]

    def _seen(self, table: Table, place: int, row: list[float]) -> Seen:
        """Return what a row says."""
        kind, stamp, loss, rate, limit = row[:_SCALARS]
        middle, end = _SCALARS + self._length, _SCALARS + _COLUMNS * self._length
        before = Column(table, place, slice(_SCALARS, middle))
        untouched = bool(self._length) and row[middle] == -1.0
        return Seen(
            kind=kind,
            stamp=int(stamp),
            loss=None if math.isnan(loss) else loss,
            learning_rate=None if math.isnan(rate) else rate,
            limit=limit,
            before=before,
            after=before if untouched else Column(table, place, slice(middle, end)),
        )
