"""TensorFlow programs: tapes, and what `tf.function` compiles."""

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.calls import watch_calls
from gradclip.instrumenting.tensorflow.shared import Shared
from gradclip.instrumenting.tensorflow.tapes import watch_tapes

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what TensorFlow trains.

    Args:
        session: Where steps go.
    """
    shared = session.shared(Shared)
    watch_calls(shared.compiled)
    watch_tapes(session, shared.losses)
    session.before_close(shared.compiled.read)
    session.before_close(shared.rounds.close)
