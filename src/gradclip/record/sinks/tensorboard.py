"""Steps as a run of TensorBoard's, written without TensorFlow and without PyTorch."""

import itertools
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradclip.record.disk import writing
from gradclip.record.optional import optional
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice, Told

_EXTRA = "tensorboard"
_NUM_BINS = 30
_COUNT = itertools.count()  # two files of one second and process need two names


class TensorBoard:
    """Write steps for TensorBoard: numbers, layers, and a histogram of all layers' norms.

    Args:
        folder: The folder of its own run, beside those of your other ones: `logs/gradclip`.
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.
        MissingFrameworkError: tensorboard is not installed.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, every: int = 50, layers: int | None = 10
    ) -> None:
        self._event = optional("tensorboard.compat.proto.event_pb2", _EXTRA).Event
        self._summary = optional("tensorboard.compat.proto.summary_pb2", _EXTRA)
        self._writer_of = optional("tensorboard.summary.writer.record_writer", _EXTRA).RecordWriter
        self.folder = Path(folder)
        self._choice = Choice(every, layers)
        self._began = 0.0
        self._writer: Any = None

    def open(self, metadata: Metadata) -> None:
        self._choice.names = [p.name for p in metadata.parameters]
        self._began = metadata.began
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        path = self.folder / f"{name}.{os.getpid()}.{next(_COUNT)}.gradclip"
        with writing(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._writer_of(path.open("xb"))
            version = self._event(wall_time=self._began, file_version="brain.Event:2")
            self._writer.write(version.SerializeToString())
            self._writer.flush()

    def write(self, records: Sequence[StepRecord]) -> None:
        for told in self._choice.of(records):
            summary = self._summary.Summary(value=self._values(told))
            event = self._event(wall_time=self._began + told.time, step=told.step, summary=summary)
            self._writer.write(event.SerializeToString())
        self._writer.flush()

    def close(self, status: Status) -> None:  # noqa: ARG002 - a sink's signature
        self._writer.close()

    def _values(self, told: Told) -> Iterator[Any]:
        """Return a step as TensorBoard's values."""
        for name, value in told.flat().items():
            yield self._summary.Summary.Value(tag=name, simple_value=value)
        norms = told.norms_before[np.isfinite(told.norms_before)]
        if len(norms):
            histogram = self._summary.HistogramProto(**_histogram(norms))
            yield self._summary.Summary.Value(tag="gradclip/norms_before", histo=histogram)


def _histogram(norms: Any) -> dict[str, Any]:
    """Return the fields of TensorBoard's histogram."""
    with np.errstate(over="ignore"):  # squares of large norms
        squares = float(np.square(norms).sum())
    counts, edges = np.histogram(norms, bins=_NUM_BINS)
    return {
        "min": float(norms.min()),
        "max": float(norms.max()),
        "num": float(len(norms)),
        "sum": float(norms.sum()),
        "sum_squares": squares,
        "bucket_limit": edges[1:].tolist(),
        "bucket": counts.tolist(),
    }
