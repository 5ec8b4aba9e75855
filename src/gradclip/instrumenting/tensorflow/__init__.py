"""TensorFlow programs: tapes, what `tf.function` compiles, and TensorFlow 1's graphs."""

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.calls import watch_calls
from gradclip.instrumenting.tensorflow.clips import watch_clips
from gradclip.instrumenting.tensorflow.differentiating import watch_gradients
from gradclip.instrumenting.tensorflow.optimizers import watch_v1
from gradclip.instrumenting.tensorflow.sessions import watch_sessions
from gradclip.instrumenting.tensorflow.shared import Shared
from gradclip.instrumenting.tensorflow.tapes import watch_tapes
from gradclip.instrumenting.tensorflow.unseen import say_imported, say_unseen

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
    watch_gradients(session, shared.losses)
    watch_v1(session, shared)
    watch_sessions(session, shared.rounds, lambda: say_imported(session))
    session.before_close(shared.compiled.read)
    session.before_close(shared.rounds.close)
    session.before_close(lambda: say_unseen(session, shared.losses))
