"""The tables that show the results."""

from collections.abc import Mapping
from typing import Any

from benchmarks.tables import Column, of, page


def render(results: Mapping[str, Any]) -> str:
    """Return the page for the parts that there are."""
    return page(
        "Recording: what it costs, and how fast runs are read",
        "benchmarks.recording",
        _PARTS,
        results,
    )


_TENSORS: Column = ("tensors", of("tensors", "{:,}"))
_STEPS: Column = ("steps", of("steps", "{:,}"))
_PARTS: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "writing": (
        "## In the thread that writes\n\n32 steps a call, two norms, largest entry and two counts"
        " of each tensor in float32. Medians of interleaved repeats; pauses are the longest call of"
        " all repeats. The slow ones get fewer steps. gradclip's has its summaries in it.",
        (
            _TENSORS, ("store", of("name", "{}")), _STEPS, ("repeats", of("repeats", "{}")),
            ("us a step", of("microseconds")), ("bytes a step", of("bytes", "{:,.0f}")),
            ("longest pause, ms", of("pause_ms")),
        ),
    ),
    "training": (
        "## In the thread that trains\n\nCalls of `Recorder.record` between steps of 3 ms of"
        " matrix products, while its thread writes; steps without and with it take turns by the"
        " hundred.",
        (
            _TENSORS, ("calls", of("steps", "{:,}")), ("kept", of("kept", "{:,}")),
            ("median, us", of("median_us")), ("99 %, us", of("p99_us")),
            ("most, us", of("most_us")), ("a step without, ms", of("step_ms")),
            ("a step with, ms", of("step_recorded_ms")),
            ("mean without", of("mean_step_ms", "{:.4g}")),
            ("mean with", of("mean_step_recorded_ms", "{:.4g}")),
        ),
    ),
    "following": (
        "## From another process\n\nIt looks 20 times a second, and reads the last 100 steps each"
        " time; a step is recorded every 2 ms.",
        (
            _TENSORS, ("looks", of("looks", "{}")), ("age of the newest step, ms", of("age_ms")),
            ("greatest age, ms", of("oldest_ms")), ("a look, ms", of("read_ms")),
        ),
    ),
    "reading": (
        "## Reading long runs\n\nWritten through the real writer, 512 steps a call, in float32;"
        " with all statistics or with the two norms alone. Opened and thinned to 1,000 buckets, all"
        " columns; the first time, and the median of five. Files are in the operating"
        " system's memory as far as that reaches.",
        (
            _STEPS, _TENSORS, ("statistics", of("counts", "{}")), ("GB", of("gigabytes")),
            ("written, us a step", of("written_us")), ("thinned at first, s", of("thin_first_s")),
            ("thinned, s", of("thin_s")), ("100 steps, s", of("slice_s")),
            ("one number of all steps, s", of("numbers_s")),
            ("one norm of all tensors at all steps, s", of("columns_s")),
        ),
    ),
    "sending": (
        "## Into sinks\n\nA report of 150 values, in the recorder's thread.",
        (
            ("sink", of("name", "{}")), ("calls", of("calls", "{}")),
            ("a report, ms", of("median_ms")),
        ),
    ),
}  # fmt: skip
