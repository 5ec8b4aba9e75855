"""Keras 3 programs, on TensorFlow, JAX and PyTorch."""

import importlib

import keras

from gradclip.instrumenting.keras.followed import Optimizers
from gradclip.instrumenting.keras.follower import Backend, Follower
from gradclip.instrumenting.keras.optimizers import watch_optimizers
from gradclip.instrumenting.session import Session

__all__ = ["install"]


def install(session: Session) -> None:
    """Follow what Keras trains.

    Args:
        session: Where steps go.
    """
    if keras.backend.backend() != "tensorflow":
        return
    room = importlib.import_module("gradclip.instrumenting.keras.on_tensorflow")
    shared = session.shared(
        importlib.import_module("gradclip.instrumenting.tensorflow.shared").Shared
    )
    shared.rounds.framework = "keras"
    backend: Backend = room.OnTensorFlow(shared.compiled)
    watch_optimizers(
        Follower(
            session, backend, optimizers=Optimizers(), losses=shared.losses, rounds=shared.rounds
        )
    )
