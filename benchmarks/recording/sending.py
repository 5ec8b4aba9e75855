"""What a report of 150 values costs the recorder's thread, sink by sink."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks.recording.made import metadata, records
from gradclip.record.sinks import (
    JsonLines,
    MLflow,
    Prometheus,
    Sink,
    TensorBoard,
    Trackio,
    WandB,
)

_NUM_TENSORS = 70  # norms before and after, and ten numbers: 150 values
_OFFLINE = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}


def measure(num_reports: int) -> Iterator[dict[str, Any]]:
    """Report to each sink.

    Args:
        num_reports: How many times.

    Yields:
        A row for each sink.
    """
    steps = records(_NUM_TENSORS, range(num_reports))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ.update(_OFFLINE | {"TRACKIO_DIR": f"{folder}/trackio"})
        for name, begin in _SINKS.items():
            with ExitStack() as stack:
                sink = begin(folder, stack)
                sink.open(metadata(_NUM_TENSORS))
                times = []
                for step in steps:
                    start = time.perf_counter()
                    sink.write([step])
                    times.append(time.perf_counter() - start)
                sink.close("finished")
            yield {"name": name, "calls": num_reports, "median_ms": 1e3 * statistics.median(times)}


def _trackio(folder: str, stack: ExitStack) -> Sink:  # noqa: ARG001 - as the others
    import trackio  # noqa: PLC0415 - after its environment is set

    trackio.init(project="gradclip", embed=False)
    stack.callback(trackio.finish)
    return Trackio(every=1, layers=None)


def _wandb(folder: str, stack: ExitStack) -> Sink:
    import wandb  # noqa: PLC0415 - as above

    wandb.init(project="gradclip", dir=folder)
    stack.callback(wandb.teardown)
    stack.callback(wandb.finish)
    return WandB(every=1, layers=None)


def _mlflow(folder: str, stack: ExitStack) -> Sink:
    import mlflow  # noqa: PLC0415 - as above

    mlflow.set_tracking_uri(f"file:{folder}/mlflow")
    stack.enter_context(mlflow.start_run())
    return MLflow(every=1, layers=None)


_SINKS: dict[str, Callable[[str, ExitStack], Sink]] = {
    "JSON lines": lambda f, _: JsonLines(f"{f}/steps.jsonl", every=1, layers=None),
    "Prometheus": lambda f, _: Prometheus(f"{f}/steps.prom", every=1, layers=None),
    "TensorBoard": lambda f, _: TensorBoard(f"{f}/logs", every=1, layers=None),
    "trackio": _trackio,
    "W&B, offline": _wandb,
    "MLflow, into files, asynchronous": _mlflow,
}
