"""The tables that show the results."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
_Column = tuple[str, Callable[[Row], str]]


def render(results: Mapping[str, Any]) -> str:
    """Return the page for the parts that there are."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    yield "# `gradclip run`: what it costs\n"
    yield "Written by `python -m benchmarks.instrument`; `benchmarks/README.md` says how.\n"
    yield from (f"- {part}: {place}" for part, place in results["place"].items())
    for part, (text, columns) in _PARTS.items():
        if part in results:
            yield f"\n{text}\n"
            yield f"| {' | '.join(title for title, _ in columns)} |"
            yield f"| {' | '.join(['---'] * len(columns))} |"
            for row in results[part]:
                yield f"| {' | '.join(cell(row) for _, cell in columns)} |"


def _of(key: str, form: str = "{:.3g}") -> Callable[[Row], str]:
    return lambda row: form.format(row[key])


def _share(key: str) -> Callable[[Row], str]:
    """Return what shows a share with its quartiles."""

    def cell(row: Row) -> str:
        low, high = row[f"{key}_quartiles"]
        return f"{100 * row[key]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

    return cell


def _yes(key: str) -> Callable[[Row], str]:
    return lambda row: "yes" if row[key] else "no"


_NAME: _Column = ("program", _of("name", "{}"))
_REPEATS: _Column = ("repeats", _of("repeats", "{}"))
_PARTS: Mapping[str, tuple[str, tuple[_Column, ...]]] = {
    "startup": (
        "## Before the first step\n\nPrograms that only import, alone, by `gradclip run`, and by"
        " its hook alone, in turn; medians of differences of neighbours in ms.",
        (
            _NAME, _REPEATS, ("alone", _of("alone_ms")), ("the command adds", _of("added_ms")),
            ("from", _of("added_low_ms")), ("to", _of("added_high_ms")),
            ("the hook alone adds", _of("added_by_hook_ms")),
            ("processor time, command", _of("computing_ms")),
            ("processor time, hook", _of("computing_hook_ms")),
        ),
    ),
    "overhead": (
        "## While training\n\nWhole programs with and without `gradclip run`, in turn, one thread"
        " for the arithmetic. *Loop* is the program's own clock around its steps, without the first"
        " ones; *whole* is from start to end. Medians of ratios of neighbours, with quartiles.",
        (
            _NAME, ("clips itself", _yes("clips")), _REPEATS, ("a step, ms", _of("step_ms")),
            ("added to a step, us", _of("added_us")), ("loop", _share("loop")),
            ("whole, s", _of("whole_s")), ("whole", _share("whole")),
            ("added before and behind the loop, s", _of("start_and_end_s", "{:.2f}")),
            ("last loss the same", _yes("same")),
        ),
    ),
}  # fmt: skip
