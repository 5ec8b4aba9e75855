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
    value = importlib.import_module(f"{_ROOM}.tensorflow.values").value
    shared.rounds.framework = "keras"
    return Follower(
        session,
        room.OnTensorFlow(session, shared.compiled, shared.origins),
        optimizers=Optimizers(value),
        losses=shared.losses,
        rounds=shared.rounds,
    )


def _on_torch(session: Session) -> Follower:
    room = importlib.import_module(f"{_ROOM}.keras.on_torch")
    clipping = importlib.import_module(f"{_ROOM}.keras.clips")
    losses, rounds = Losses(), Rounds(session, "keras")
    clips = clipping.Clips()
    room.watch_backward(session, losses, clips)
    clipping.watch_clips(session, clips)
    session.before_close(rounds.close)
    backend = room.OnTorch(clips)
    return Follower(session, backend, optimizers=Optimizers(), losses=losses, rounds=rounds)


def _on_jax(session: Session) -> Follower:
    room, watching, stepping, returning, others, trainer, optimizer = (
        importlib.import_module(name) for name in _ON_JAX
    )
    losses, rounds, optimizers = Losses(), Rounds(session, "keras"), Optimizers()
    told = stepping.Stepping(session, rounds, optimizers)
    backend = room.OnJax(session.shared(returning.Follower), told)
    differentiated = room.Differentiated(session, backend, optimizers, losses)
    shared = session.shared(others.Others)
    shared.take, shared.train = differentiated.take, differentiated.train
    watching.watch_trainer(trainer.JAXTrainer, told)
    watching.watch_stateless(optimizer.BaseOptimizer, backend)
    session.before_close(rounds.close)
    return Follower(session, backend, optimizers=optimizers, losses=losses, rounds=rounds)


_ON_JAX = (
    f"{_ROOM}.keras.on_jax",
    f"{_ROOM}.keras.trainer",
    f"{_ROOM}.keras.stepping",
    f"{_ROOM}.jax.follower",
    f"{_ROOM}.jax.others",
    "keras.src.backend.jax.trainer",
    "keras.src.optimizers.base_optimizer",
)
_FOLLOWERS: dict[str, Callable[[Session], Follower]] = {
    "tensorflow": _on_tensorflow,
    "torch": _on_torch,
    "jax": _on_jax,
}
