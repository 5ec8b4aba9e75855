"""Says what TensorFlow programs do that is not followed, and what to add."""

import functools
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.session import Session

_ADD = (
    "Record them by hand: `clipper = gradclip.tensorflow.Clipper(None)` before the loop, and "
    "`clipper(gradients); recorder.record(clipper.report, loss=loss)` at each step."
)


def say_unseen(session: Session, losses: Losses) -> None:
    """Say that gradients were computed which no optimizer took.

    Args:
        session: The session.
        losses: What was differentiated.
    """
    if losses.seen and not session.steps:
        session.say(
            "tf.GradientTape computed gradients, and no Keras optimizer applied them: which of "
            f"them make a training step cannot be told. {_ADD}"
        )


def watch_v1(session: Session) -> None:
    """Say, when an optimizer of TensorFlow 1 is used, that it is not followed.

    Args:
        session: The session.
    """
    kind = tf.compat.v1.train.Optimizer
    apply_gradients = kind.apply_gradients

    @functools.wraps(apply_gradients)
    def applied(self: Any, *args: Any, **kwargs: Any) -> Any:
        session.say(f"Steps of tf.compat.v1.train.{type(self).__name__} are not seen. {_ADD}")
        return apply_gradients(self, *args, **kwargs)

    kind.apply_gradients = tf.autograph.experimental.do_not_convert(applied)
