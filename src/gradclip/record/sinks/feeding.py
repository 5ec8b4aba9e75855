"""Replays a run into a sink, as if it were recorded now."""

import os

from gradclip.record.export.records import records_of
from gradclip.record.export.slices import slices
from gradclip.record.run import Run
from gradclip.record.sinks.sink import Sink

_NUM_VALUES = 1 << 16  # tensors' steps that are in memory at once


def feed(run: Run | str | os.PathLike[str], sink: Sink, *, rank: int | None = None) -> None:
    """Hand a run's steps to a sink, part by part.

    Args:
        run: The run, or its directory.
        sink: What takes them; it is opened and closed.
        rank: Whose records to read, of a directory that several processes wrote to.

    Raises:
        RunError: There is no run.

    Example:
        >>> import json, pathlib, tempfile, numpy as np, gradclip
        >>> from gradclip.record.sinks import JsonLines, feed
        >>> folder = tempfile.mkdtemp()
        >>> clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        >>> with gradclip.Recorder(f"{folder}/run", {"w": np.zeros(2)}) as recorder:
        ...     _ = clipper([np.array([3.0, 4.0])], names=["w"])
        ...     recorder.record(clipper.report)
        >>> feed(f"{folder}/run", JsonLines(f"{folder}/steps.jsonl"))
        >>> text = pathlib.Path(folder, "steps.jsonl").read_text()
        >>> json.loads(text)["gradclip/global_norm_before"]
        5.0
    """
    parts = slices(run, _NUM_VALUES, rank=rank)
    first = next(parts)
    sink.open(first.metadata)
    sink.write(list(records_of(first)))
    status = first.status
    for part in parts:
        sink.write(list(records_of(part)))
        status = part.status
    sink.close(status)
