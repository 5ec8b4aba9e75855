"""Sees what a `tf.GradientTape` differentiates."""

import functools
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.session import Session


def watch_tapes(session: Session, losses: Losses) -> None:
    """Be told of each target.

    Args:
        session: The session.
        losses: Where targets go.
    """
    gradient = tf.GradientTape.gradient

    @functools.wraps(gradient)
    def told(self: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        result = gradient(self, target, sources, *args, **kwargs)
        with session.ours():
            for tensor in tf.nest.flatten(target):
                losses.add(tensor)
        return result

    tf.GradientTape.gradient = tf.autograph.experimental.do_not_convert(told)
