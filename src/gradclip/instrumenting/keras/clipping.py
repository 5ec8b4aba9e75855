"""`--clip` for Keras: gradclip's optimizer around the program's own."""

import functools
import importlib
from typing import Any
from weakref import WeakKeyDictionary

import keras

from gradclip.instrumenting.session import Session

_REPLICAS = (
    "--clip is not applied where a tf.distribute.Strategy trains several replicas. Clip in the "
    'program: `optimizer = gradclip.keras.ClippedOptimizer(optimizer, "global-norm=1")`.'
)


class Clipping:
    """What clips as the user asked for.

    Args:
        session: What was asked for.
    """

    def __init__(self, session: Session) -> None:
        self._policy = session.settings.clip
        self._session = session
        self._around: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def driver(self, optimizer: Any) -> Any:
        """Return what steps in place of an optimizer; None if that steps itself.

        JAX's trainer must know of all variables: there, `watch_compile` puts it in place.
        """
        if self._policy is None or keras.backend.backend() == "jax" or is_clipped(optimizer):
            return None
        if _has_replicas():
            self._session.say(_REPLICAS)
            return None
        if optimizer not in self._around:
            self._around[optimizer] = self.wrapped(optimizer)
        return self._around[optimizer]

    def wrapped(self, optimizer: Any) -> Any:
        """Return gradclip's optimizer around another one."""
        kind = importlib.import_module("gradclip.keras.clipped").ClippedOptimizer
        made = kind(optimizer, self._policy, max_skipped=None)
        compiled = (
            keras.backend.backend() == "tensorflow"
        )  # where looking at more than norms is dear
        made._steps.memory.statistics = not compiled  # noqa: SLF001 - what a run shows of tensors
        return made

    def watch_compile(self) -> None:
        """Have models compiled with gradclip's optimizer where nothing else can clip: on JAX."""
        if self._policy is None or keras.backend.backend() != "jax":
            return
        trainer = importlib.import_module("keras.src.trainers.trainer").Trainer
        compile_model = trainer.compile

        @functools.wraps(compile_model)
        def compiled(model: Any, *args: Any, **kwargs: Any) -> None:
            compile_model(model, *args, **kwargs)
            if model.optimizer is not None and not is_clipped(model.optimizer):
                with self._session.ours("--clip could not be set up"):
                    model.optimizer = self.wrapped(model.optimizer)

        trainer.compile = compiled


def _has_replicas() -> bool:
    """Tell whether several replicas are trained, each of which steps in a thread of its own."""
    if keras.backend.backend() != "tensorflow":
        return False
    distribute = importlib.import_module("tensorflow").distribute
    return int(distribute.get_strategy().num_replicas_in_sync) > 1


def is_clipped(optimizer: Any) -> bool:
    """Tell whether gradclip clips in an optimizer already."""
    while optimizer is not None:
        if type(optimizer).__module__ == "gradclip.keras.clipped":
            return True
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return False
