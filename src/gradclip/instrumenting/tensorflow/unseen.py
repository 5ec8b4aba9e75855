"""Says what TensorFlow programs do that is not followed, and what to add."""

from typing import Any

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
            "tf.GradientTape or tf.gradients computed gradients, and no optimizer applied them: "
            f"which of them make a training step cannot be told. {_ADD}"
        )


def say_v1(session: Session, optimizer: Any, where: str) -> None:
    """Say that an optimizer of TensorFlow 1 is not followed where it is used.

    Args:
        session: The session.
        optimizer: The optimizer.
        where: Where that is.
    """
    kind = type(optimizer).__name__
    session.say(f"Steps of tf.compat.v1.train.{kind} {where} are not seen. {_ADD}")


def say_imported(session: Session) -> None:
    """Say that a training operation is run that was not made in this program.

    Args:
        session: The session.
    """
    session.say(f"Steps of a graph that was imported are not seen. {_ADD}")


def say_partial(session: Session) -> None:
    """Say that steps are not followed that a session runs bit by bit.

    Args:
        session: The session.
    """
    session.say(
        "Training steps within tf.compat.v1.Session.partial_run are not seen: run them whole, by "
        "`session.run([train_op, ...], feed_dict)`."
    )


def say_replicas(session: Session) -> None:
    """Say that of several replicas of a model the first one alone is seen.

    Args:
        session: The session.
    """
    session.say(
        "A tf.distribute.Strategy trains several replicas: the loss and the norms are those of the "
        "first one's part of each batch, before gradients are added up. To record the sums, train "
        'with `optimizer = gradclip.keras.ClippedOptimizer(optimizer, "global-norm=1")` and '
        '`callbacks=[gradclip.keras.Record("runs/mine")]`, without gradclip run.'
    )


def say_hidden(session: Session) -> None:
    """Say that the loss of a graph's steps is not read.

    Args:
        session: The session.
    """
    session.say(
        "The loss of a graph's steps is not recorded: it depends on input that the training "
        "operation does not take. Use `optimizer.minimize` on the part that has a gradient."
    )
