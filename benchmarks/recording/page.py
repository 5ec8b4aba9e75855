"""The tables that show the results."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
_Column = tuple[str, Callable[[Row], str]]


def render(results: Mapping[str, Any]) -> str:
    """Return the page for the parts that there are."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    yield "# Recording: what it costs, and how fast runs are read\n"
    yield "Written by `python -m benchmarks.recording`; `benchmarks/README.md` says how.\n"
    yield from (f"- {part}: {place}" for part, place in results["place"].items())
    for part, (text, columns) in _PARTS.items():
        if part in results:
            yield f"\n{text}\n"
            yield f"| {' | '.join(title for title, _ in columns)} |"
            yield f"| {' | '.join(['---'] * len(columns))} |"
            for row in results[part]:
                yield f"| {' | '.join(cell(row) for _, cell in columns)} |"


def _of(key: str, form: str = "{:.3g}") -> Callable[[Row], str]:
    return lambda row: form.format(row[key]) if key in row else ""


_TENSORS: _Column = ("tensors", _of("tensors", "{:,}"))
_STEPS: _Column = ("steps", _of("steps", "{:,}"))
_PARTS: Mapping[str, tuple[str, tuple[_Column, ...]]] = {
    "writing": (
        "## In the thread that writes\n\n32 steps a call, two norms, largest entry and two counts"
        " of each tensor in float32. Medians of interleaved repeats; pauses are the longest call of"
        " all repeats. The slow ones get fewer steps. gradclip's has its summaries in it.",
        (
            _TENSORS, ("store", _of("name", "{}")), _STEPS, ("repeats", _of("repeats", "{}")),
            ("us a step", _of("microseconds")), ("bytes a step", _of("bytes", "{:,.0f}")),
            ("longest pause, ms", _of("pause_ms")),
        ),
    ),
    "training": (
        "## In the thread that trains\n\nCalls of `Recorder.record` between steps of 3 ms of"
        " matrix products, while its thread writes; steps without and with it take turns by the"
        " hundred.",
        (
            _TENSORS, ("calls", _of("steps", "{:,}")), ("kept", _of("kept", "{:,}")),
            ("median, us", _of("median_us")), ("99 %, us", _of("p99_us")),
            ("most, us", _of("most_us")), ("a step without, ms", _of("step_ms")),
            ("a step with, ms", _of("step_recorded_ms")),
            ("mean without", _of("mean_step_ms", "{:.4g}")),
            ("mean with", _of("mean_step_recorded_ms", "{:.4g}")),
        ),
    ),
    "following": (
        "## From another process\n\nIt looks 20 times a second, and reads the last 100 steps each"
        " time; a step is recorded every 2 ms.",
        (
            _TENSORS, ("looks", _of("looks", "{}")), ("age of the newest step, ms", _of("age_ms")),
            ("greatest age, ms", _of("oldest_ms")), ("a look, ms", _of("read_ms")),
        ),
    ),
    "reading": (
        "## Reading long runs\n\nWritten through the real writer, 512 steps a call, in float32;"
        " with all statistics or with the two norms alone. Opened and thinned to 1,000 buckets, all"
        " columns; the first time, and the median of five. Files are in the operating"
        " system's memory as far as that reaches.",
        (
            _STEPS, _TENSORS, ("statistics", _of("counts", "{}")), ("GB", _of("gigabytes")),
            ("written, us a step", _of("written_us")), ("thinned at first, s", _of("thin_first_s")),
            ("thinned, s", _of("thin_s")), ("100 steps, s", _of("slice_s")),
            ("one number of all steps, s", _of("numbers_s")),
            ("one norm of all tensors at all steps, s", _of("columns_s")),
        ),
    ),
    "sending": (
        "## Into sinks\n\nA report of 150 values, in the recorder's thread.",
        (
            ("sink", _of("name", "{}")), ("calls", _of("calls", "{}")),
            ("a report, ms", _of("median_ms")),
        ),
    ),
}  # fmt: skip
