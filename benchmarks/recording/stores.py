"""Ways to keep the same steps; each has them safe from a killed process when `write` returns."""

import io
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.recording.made import metadata, names
from gradclip.record import RunWriter, StepRecord
from gradclip.record.layout import NORMS, NUMBERS, STATISTICS

_VECTORS = (*NORMS, *STATISTICS)


class Store(Protocol):
    """Keep steps."""

    def write(self, records: Sequence[StepRecord]) -> None:
        """Write some steps."""

    def close(self) -> None:
        """Write what is left."""


class Run:
    """gradclip's own, with its summaries."""

    def __init__(self, folder: Path, num_tensors: int) -> None:
        self._writer = RunWriter(folder / "run", metadata(num_tensors))

    def write(self, records: Sequence[StepRecord]) -> None:
        self._writer.write(*records)

    def close(self) -> None:
        self._writer.finish("finished")


class SQLite:
    """A database in WAL mode, a packed row a step, a commit a call."""

    def __init__(self, folder: Path, num_tensors: int) -> None:  # noqa: ARG002 - as the others
        self._base = sqlite3.connect(folder / "run.db")
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.execute(
            "CREATE TABLE steps (step INTEGER PRIMARY KEY, numbers BLOB, norms BLOB)"
        )

    def write(self, records: Sequence[StepRecord]) -> None:
        self._base.executemany("INSERT INTO steps VALUES (?, ?, ?)", map(self._row, records))
        self._base.commit()

    def close(self) -> None:
        self._base.close()

    @staticmethod
    def _row(record: StepRecord) -> tuple[int, bytes, bytes]:
        vectors = b"".join(getattr(record, name).tobytes() for name in _VECTORS)
        return record.step, np.array(_numbers(record)).tobytes(), vectors


class JsonLines:
    """A line of JSON a step."""

    def __init__(self, folder: Path, num_tensors: int) -> None:  # noqa: ARG002 - as the others
        self._file = (folder / "steps.jsonl").open("w")

    def write(self, records: Sequence[StepRecord]) -> None:
        for record in records:
            values = {name: getattr(record, name) for name in ("step", *NUMBERS)}
            values |= {name: getattr(record, name).tolist() for name in _VECTORS}
            self._file.write(json.dumps(values) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class ArrowStream:
    """Arrow's stream of record batches, a list of values a column and step."""

    def __init__(self, folder: Path, num_tensors: int) -> None:
        import pyarrow  # noqa: PLC0415 - the others run without it

        self._arrow = pyarrow
        self._num_tensors = num_tensors
        self._file = (folder / "steps.arrow").open("wb")
        self._writer = pyarrow.ipc.new_stream(self._file, self._schema())

    def write(self, records: Sequence[StepRecord]) -> None:
        self._writer.write_batch(self._batch(records))
        self._file.flush()

    def close(self) -> None:
        self._writer.close()
        self._file.close()

    def _schema(self) -> Any:
        arrow = self._arrow
        types = dict.fromkeys(NUMBERS, arrow.float64())
        floats = arrow.list_(arrow.float32(), self._num_tensors)
        counts = arrow.list_(arrow.int64(), self._num_tensors)
        types |= {name: floats if name in _FLOATS else counts for name in _VECTORS}
        return arrow.schema([("step", arrow.int64()), *types.items()])

    def _batch(self, records: Sequence[StepRecord]) -> Any:
        arrow = self._arrow
        columns = [arrow.array([r.step for r in records])]
        columns += [
            arrow.array([getattr(r, name) for r in records], arrow.float64(), from_pandas=True)
            for name in NUMBERS
        ]
        for name in _VECTORS:
            values = arrow.array(np.concatenate([getattr(r, name) for r in records]))
            columns.append(arrow.FixedSizeListArray.from_arrays(values, self._num_tensors))
        return arrow.record_batch(columns, schema=self._schema())


_FLOATS = ("norms_before", "norms_after", "largest")


class ParquetParts(ArrowStream):
    """A Parquet file for every call: what a reader can open while the run grows."""

    def __init__(self, folder: Path, num_tensors: int) -> None:
        import pyarrow.parquet  # noqa: PLC0415 - as above

        self._arrow = pyarrow
        self._num_tensors = num_tensors
        self._folder, self._parts = folder, 0

    def write(self, records: Sequence[StepRecord]) -> None:
        table = self._arrow.Table.from_batches([self._batch(records)])
        path = self._folder / f"part-{self._parts:06d}.parquet"
        self._arrow.parquet.write_table(table, path)
        self._parts += 1

    def close(self) -> None:
        """Nothing is left."""


class TensorBoardEvents:
    """A scalar for each number and tensor."""

    def __init__(self, folder: Path, num_tensors: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415 - as above
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._file = io.BufferedWriter((folder / "events.out.tfevents.1").open("wb", buffering=0))
        self._writer = RecordWriter(self._file)
        self._tags = {v: [f"{v}/{name}" for name in names(num_tensors)] for v in _VECTORS}

    def write(self, records: Sequence[StepRecord]) -> None:
        for record in records:
            summary = self._summary()
            for name, value in zip(NUMBERS, _numbers(record), strict=True):
                summary.value.add(tag=name, simple_value=value)
            for vector, tags in self._tags.items():
                for tag, value in zip(tags, getattr(record, vector).tolist(), strict=True):
                    summary.value.add(tag=tag, simple_value=value)
            event = self._event(wall_time=record.time, step=record.step, summary=summary)
            self._writer.write(event.SerializeToString())
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def _numbers(record: StepRecord) -> list[float]:
    values = [getattr(record, name) for name in NUMBERS]
    return [np.nan if value is None else value for value in values]


# Name -> how to make one, and of how many of the steps it gets only one: the slow ones.
STORES: Mapping[str, tuple[Callable[[Path, int], Store], int]] = {
    "gradclip RunWriter": (Run, 1),
    "SQLite, WAL, a packed row a step": (SQLite, 1),
    "JSON lines": (JsonLines, 40),
    "Arrow IPC stream": (ArrowStream, 1),
    "Parquet parts": (ParquetParts, 1),
    "TensorBoard events": (TensorBoardEvents, 300),
}
