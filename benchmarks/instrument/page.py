"""The tables that show the results."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.tables import Column, Row, of, page


def render(results: Mapping[str, Any]) -> str:
    """Return the page for the parts that there are."""
    return page("`gradclip run`: what it costs", "benchmarks.instrument", _PARTS, results)


def _share(key: str) -> Callable[[Row], str]:
    """Return what shows a share with its quartiles."""

    def cell(row: Row) -> str:
        low, high = row[f"{key}_quartiles"]
        return f"{100 * row[key]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

    return cell


def _yes(key: str) -> Callable[[Row], str]:
    return lambda row: "yes" if row[key] else "no"


_NAME: Column = ("program", of("name", "{}"))
_REPEATS: Column = ("repeats", of("repeats", "{}"))
_PARTS: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "startup": (
        "## Before the first step\n\nPrograms that only import, alone, by `gradclip run`, and by"
        " its hook alone, in turn; medians of differences of neighbours in ms.",
        (
            _NAME, _REPEATS, ("alone", of("alone_ms")), ("the command adds", of("added_ms")),
            ("from", of("added_low_ms")), ("to", of("added_high_ms")),
            ("the hook alone adds", of("added_by_hook_ms")),
            ("processor time, command", of("computing_ms")),
            ("processor time, hook", of("computing_hook_ms")),
        ),
    ),
    "overhead": (
        "## While training\n\nWhole programs with and without `gradclip run`, in turn, one thread"
        " for the arithmetic. *Loop* is the program's own clock around its steps, without the first"
        " ones; *whole* is from start to end. Medians of ratios of neighbours, with quartiles.",
        (
            _NAME, ("clips itself", _yes("clips")), _REPEATS, ("a step, ms", of("step_ms")),
            ("added to a step, us", of("added_us")), ("loop", _share("loop")),
            ("whole, s", of("whole_s")), ("whole", _share("whole")),
            ("added before and behind the loop, s", of("start_and_end_s", "{:.2f}")),
            ("last loss the same", _yes("same")),
        ),
    ),
}  # fmt: skip
