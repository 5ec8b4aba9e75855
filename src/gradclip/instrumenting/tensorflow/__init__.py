"""TensorFlow programs: tapes, and what `tf.function` compiles."""

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.calls import watch_calls
from gradclip.instrumenting.tensorflow.clips import watch_clips
from gradclip.instrumenting.tensorflow.shared import Shared
from gradclip.instrumenting.tensorflow.tapes import watch_tapes
from gradclip.instrumenting.tensorflow.unseen import say_unseen, watch_v1

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what TensorFlow trains.

    Args:
        session: Where steps go.
    """
    shared = session.shared(Shared)
    watch_calls(shared.compiled)
    watch_tapes(session, shared.losses)
    watch_clips(session, shared.origins)
    watch_v1(session)
    session.before_close(shared.compiled.read)
    session.before_close(shared.rounds.close)
    session.before_close(lambda: say_unseen(session, shared.losses))
