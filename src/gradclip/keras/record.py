"""Record what `fit` does, batch by batch."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from gradclip.errors import ConfigurationError
from gradclip.keras.clipped import ClippedOptimizer
from gradclip.record.applied import applied
from gradclip.record.recorder import Recorder


class Record(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Record every batch of `fit`: norms before and after clipping, and the update applied.

    The loss and the accuracy are what `fit` shows: means over the epoch so far. With
    `steps_per_execution` above 1 the last step of each execution is recorded.

    Args:
        path: The run directory; a later `fit` of the same callback goes on in it.
        resume: Go on in a directory that holds a run. By default it must not hold one.
        **options: What else a `Recorder` is told: `seed`, `sinks`, `updates_every` and so on.

    Raises:
        ConfigurationError: When `fit` begins: the model's optimizer is no `ClippedOptimizer`.
        RunError: When `fit` begins: the directory holds a run, or cannot be written.

    Example:
        >>> import tempfile, numpy as np, keras, gradclip
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(gradclip.keras.ClippedOptimizer("sgd", "global-norm=1"), "mse")
        >>> folder = tempfile.mkdtemp()
        >>> record = gradclip.keras.Record(f"{folder}/run")
        >>> _ = model.fit(np.ones((8, 2)), np.ones(8), batch_size=4, callbacks=[record], verbose=0)
        >>> gradclip.read_run(f"{folder}/run").norms_before.shape
        (2, 2)
    """

    def __init__(
        self, path: str | os.PathLike[str], *, resume: bool = False, **options: Any
    ) -> None:
        super().__init__()
        self._path, self._resume, self._options = path, resume, options
        self._recorder: Recorder | None = None
        self._optimizer: Any = None
        self._before: list[Any] = []  # the weights, at steps at which the update is measured

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin to record.

        Raises:
            ConfigurationError: Nothing clips.
        """
        del logs
        self._optimizer = _clipping(self.model.optimizer)
        given = {"policy": self._optimizer.policy, **self._options}
        pairs = [(v.path, v) for v in self.model.trainable_variables]
        self._recorder = Recorder(self._path, pairs, resume=self._resume, **given)
        self._resume = True

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Remember the weights that a step is going to move."""
        del batch, logs
        if self._recorder is not None and self._recorder.wants_update:
            self._before = self._weights()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the step."""
        del batch
        if self._recorder is None:
            return
        if self._before:
            weight_norms, update_norms = applied(self._before, self._weights())
            self._recorder.note(weight_norms=weight_norms, update_norms=update_norms)
            self._before = []
        self._sync()
        report = self._optimizer.report
        if report is not None:
            shown = {name: v for name, v in (logs or {}).items() if name in {"loss", "accuracy"}}
            rate = float(keras.ops.convert_to_numpy(self._optimizer.learning_rate))
            self._recorder.record(report, learning_rate=rate, **shown)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write what is left."""
        del logs
        if self._recorder is not None:
            self._recorder.close()

    def _weights(self) -> list[Any]:
        """Return copies of the trainable variables."""
        self._sync()
        values = (keras.ops.convert_to_numpy(v.value) for v in self.model.trainable_variables)
        return [np.array(value) for value in values]

    def _sync(self) -> None:
        """Have JAX bring the variables back, which `fit` keeps elsewhere."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()


def _clipping(optimizer: Any) -> ClippedOptimizer:
    """Return the optimizer that clips: a `LossScaleOptimizer` may be around it.

    Raises:
        ConfigurationError: There is none.
    """
    inner = optimizer
    while not isinstance(inner, ClippedOptimizer) and hasattr(inner, "inner_optimizer"):
        inner = inner.inner_optimizer
    if isinstance(inner, ClippedOptimizer):
        return inner
    msg = (
        "Record needs a model that is compiled with gradclip.keras.ClippedOptimizer, got "
        f"{type(optimizer).__name__}. Wrap it: ClippedOptimizer(optimizer, None) clips nothing."
    )
    raise ConfigurationError(msg)
