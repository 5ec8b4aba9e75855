"""Keras 3 programs, on TensorFlow, JAX and PyTorch."""

import importlib
from collections.abc import Callable

import keras

from gradclip.instrumenting.keras.followed import Optimizers
from gradclip.instrumenting.keras.follower import Follower
from gradclip.instrumenting.keras.optimizers import watch_optimizers
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Rounds
from gradclip.instrumenting.session import Session

__all__ = ["install"]

_ROOM = "gradclip.instrumenting"


def install(session: Session) -> None:
    """Follow what Keras trains.

    Args:
        session: Where steps go.
    """
    backend = keras.backend.backend()
    if backend in _FOLLOWERS:
        watch_optimizers(_FOLLOWERS[backend](session))
    else:
        session.say(f"Keras on {backend} does not train: nothing is recorded.")


def _on_tensorflow(session: Session) -> Follower:
    room = importlib.import_module(f"{_ROOM}.keras.on_tensorflow")
    shared = session.shared(importlib.import_module(f"{_ROOM}.tensorflow.shared").Shared)
    shared.rounds.framework = "keras"
    return Follower(
        session,
        room.OnTensorFlow(shared.compiled, shared.origins),
        optimizers=Optimizers(),
        losses=shared.losses,
        rounds=shared.rounds,
    )


def _on_torch(session: Session) -> Follower:
    room = importlib.import_module(f"{_ROOM}.keras.on_torch")
    losses, rounds = Losses(), Rounds(session, "keras")
    room.watch_backward(session, losses)
    session.before_close(rounds.close)
    return Follower(session, room.OnTorch(), optimizers=Optimizers(), losses=losses, rounds=rounds)


def _on_jax(session: Session) -> Follower:
    room = importlib.import_module(f"{_ROOM}.keras.on_jax")
    stepping = importlib.import_module(f"{_ROOM}.keras.stepping").Stepping
    returning = importlib.import_module(f"{_ROOM}.jax.follower").Follower
    trainer = importlib.import_module("keras.src.backend.jax.trainer").JAXTrainer
    rounds, optimizers = Rounds(session, "keras"), Optimizers()
    told = stepping(session, rounds, optimizers)
    backend = room.OnJax(session.shared(returning), told)
    room.watch_trainer(trainer, backend, told)
    session.before_close(rounds.close)
    return Follower(session, backend, optimizers=optimizers, losses=Losses(), rounds=rounds)


_FOLLOWERS: dict[str, Callable[[Session], Follower]] = {
    "tensorflow": _on_tensorflow,
    "torch": _on_torch,
    "jax": _on_jax,
}
