"""Steps in the active run of MLflow, without waiting for its server."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gradclip.errors import ConfigurationError
from gradclip.record.optional import optional
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice, Told

_MOST = 1000  # metrics in one call: the server's bound
_FOREIGN = re.compile(r"[^\w\-. :/]")  # what its names may not hold


class MLflow:
    """Log steps to the run that `mlflow.start_run` began.

    MLflow is slow, about 90 ms for 150 values: by default it is told of every 500th step, by a
    thread of its own.

    Args:
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.
        MissingFrameworkError: mlflow is not installed.
    """

    def __init__(self, *, every: int = 500, layers: int | None = 10) -> None:
        self._mlflow = optional("mlflow", "mlflow-skinny")
        self._entities = optional("mlflow.entities", "mlflow-skinny")
        self._choice = Choice(every, layers)
        self._run = ""
        self._began = 0.0
        self._client: Any = None
        # MLflow's own threads, `synchronous=False`, run into each other: they make a file store's
        # folders at once, and whoever comes second loses its batch.
        self._thread = ThreadPoolExecutor(1, "gradclip-mlflow")
        self._waiting: deque[Future[Any]] = deque()

    def open(self, metadata: Metadata) -> None:
        """Find the active run; it is this thread's, and another one will write.

        Args:
            metadata: What is known before the first step.

        Raises:
            ConfigurationError: There is none.
        """
        self._choice.names = [p.name for p in metadata.parameters]
        self._began = metadata.began
        active = self._mlflow.active_run()
        if active is None:
            msg = "MLflow logs to the active run: call mlflow.start_run() first."
            raise ConfigurationError(msg)
        self._run = active.info.run_id
        self._client = self._mlflow.MlflowClient()

    def write(self, records: Sequence[StepRecord]) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()
        for told in self._choice.of(records):
            metrics = [*self._metrics(told)]
            for start in range(0, len(metrics), _MOST):
                batch = metrics[start : start + _MOST]
                sent = self._thread.submit(self._client.log_batch, self._run, metrics=batch)
                self._waiting.append(sent)

    def close(self, status: Status) -> None:  # noqa: ARG002 - a sink's signature
        """Wait for what is under way; the run is left to whoever began it."""
        self._thread.shutdown()
        while self._waiting:
            self._waiting.popleft().result()

    def _metrics(self, told: Told) -> Iterator[Any]:
        """Return a step as MLflow's metrics."""
        milliseconds = int(1e3 * (self._began + told.time))
        for name, value in told.flat().items():
            key = _FOREIGN.sub("_", name)
            yield self._entities.Metric(key, float(value), milliseconds, told.step)
