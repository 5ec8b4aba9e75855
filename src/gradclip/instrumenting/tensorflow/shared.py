"""What the hooks of TensorFlow and of Keras on it have in common."""

from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Rounds
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.clips import Origins
from gradclip.instrumenting.tensorflow.compiled import Compiled


class Shared:
    """One session's losses, rounds and rings.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self.losses = Losses()
        self.origins = Origins()
        self.rounds = Rounds(session, "tensorflow")
        self.compiled = Compiled(session, self.rounds)
