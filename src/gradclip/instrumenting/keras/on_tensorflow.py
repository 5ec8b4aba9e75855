"""Keras' optimizers on TensorFlow: rings where steps are compiled, at once where they are not."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.keras.followed import Followed
from gradclip.instrumenting.keras.follower import Gradients, part_of
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Part
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.clips import Origins
from gradclip.instrumenting.tensorflow.compiled import Compiled
from gradclip.instrumenting.tensorflow.looking import columns, look, readable
from gradclip.instrumenting.tensorflow.ring import LOSS, SKIPPED, STEP, Ring
from gradclip.instrumenting.tensorflow.unseen import say_replicas


class OnTensorFlow:
    """The `Backend` for TensorFlow.

    Args:
        session: Where notes go.
        compiled: The rings of what is compiled.
        origins: What gradients were before the program clipped them.
    """

    def __init__(self, session: Session, compiled: Compiled, origins: Origins) -> None:
        self._session = session
        self._compiled = compiled
        self._origins = origins

    def eager(self, gradients: Sequence[Any]) -> bool:
        """Tell whether gradients are there."""
        del gradients
        return bool(tf.executing_eagerly())

    def see(self, gradients: Gradients, losses: Losses) -> Part | None:
        """Look at gradients; return what was seen, or None where a ring tells later."""
        loss = _total(losses.take(readable))
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            say_replicas(self._session)
        gradients = self._as_they_came(gradients)
        if tf.executing_eagerly():
            return _part(gradients, loss)
        numbers = [_known(loss), _known(gradients.learning_rate), gradients.limit]
        found = columns(gradients.before, gradients.after)
        kind = SKIPPED if gradients.skipped else STEP
        self._ring(gradients.followed).write(kind, numbers, found)
        return None

    def tell(self, followed: Followed, report: Any, rate: Any, losses: Losses) -> Part | None:
        """Return what a report of gradclip's says, or None where a ring tells later."""
        loss = _total(losses.take(readable))
        if tf.executing_eagerly():
            return part_of(followed, report, _host(loss), _host(rate))
        kind = tf.where(report.skipped, SKIPPED, STEP)
        limit = tf.convert_to_tensor(report.limit)
        one = limit if limit.shape.rank == 0 else math.nan
        numbers = [_known(loss), _known(rate), one]
        self._ring(followed).write(kind, numbers, [report.parts_before, report.parts_after])
        return None

    def pass_by(self, followed: Followed, losses: Losses) -> None:
        """Keep the loss of a batch whose gradients are accumulated."""
        loss = _total(losses.take(readable))
        if tf.executing_eagerly():
            followed.keep_loss(None if loss is None else float(loss))
        else:
            self._ring(followed).write(LOSS, [_known(loss), math.nan, math.nan], [])

    def _as_they_came(self, gradients: Gradients) -> Gradients:
        """Return gradients with those before the program's own clipping."""
        before, limit = self._origins.as_they_came(gradients.before)
        if before is gradients.before:
            return gradients
        return replace(gradients, before=before, limit=min(limit, gradients.limit))

    def _ring(self, followed: Followed) -> Ring:
        if followed.ring is None:
            followed.ring = self._compiled.ring(followed, followed, len(followed))
        ring: Ring = followed.ring
        return ring


def _part(gradients: Gradients, loss: Any) -> Part:
    """Return what is seen of gradients that are there."""
    before, after, statistics = look(gradients.before, gradients.after)
    followed = gradients.followed
    rate = gradients.learning_rate
    return Part(
        optimizer=followed.kind,
        parameters=followed.parameters,
        before=before,
        after=after,
        statistics=statistics,
        limit=gradients.limit,
        skipped=gradients.skipped,
        loss=followed.mean_loss(_host(loss)),
        learning_rate=_host(rate),
    )


def _host(number: Any) -> float | None:
    return None if number is None else float(number)


def _total(loss: Any) -> Any:
    """Return the sum of a loss's entries, which is what is differentiated."""
    return None if loss is None else tf.reduce_sum(loss)


def _known(number: Any) -> Any:
    return math.nan if number is None else number
