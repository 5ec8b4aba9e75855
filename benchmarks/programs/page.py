"""The page that shows the results."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.programs.catalogue import PROGRAMS
from benchmarks.programs.program import Program

Row = dict[str, Any]
_FEW = 3  # runs: with fewer there are no quartiles
_HEAD = """\
---
hide: [toc]
---
# Programs of others

What `gradclip run` records of real programs by other people, unchanged, and whether they do the
same with it. **Nothing on this page is written by hand**: `python -m benchmarks.programs FOLDER`
runs them and makes it. FOLDER holds checkouts of the repositories below; the programs themselves
are not part of gradclip.

- Each program runs as its author would run it, and under `gradclip run`, in turn, in a fresh copy
  of its folder each time, on one thread. Programs that set no seed get one, and those that would
  fetch data get it from what lies in the checkouts, with gradclip and without.
- *Same* says that all it prints (but for times) and the weights that it saves are the same to the
  bit with and without.
- A copy is edited to write its loss and the norms of its gradients before and after its own
  clipping at every step, by the framework's own means in float64. The run is held against that:
  whether every parameter has the name that the model gives it; the largest relative difference of
  any step's loss, and of the global norm before and after; that of any single tensor's norm, over
  the global norm.
- *Last loss* says whether the last recorded loss is the copy's to the bit. It need not be where
  the copy has to change what is compiled.
- *Overhead* is of the whole program, start-up included: the median of ratios of neighbouring runs,
  with quartiles. *In the hooks* is what the closing summary said of the training alone.
"""
_COLUMNS = {
    "program": "---", "steps": "---:", "names": "---", "loss": "---:", "before": "---:",
    "after": "---:", "each tensor": "---:", "same": "---", "last loss": "---", "seconds": "---:",
    "overhead": "---:", "in the hooks": "---:",
}  # fmt: skip
_TABLE = f"""
| {" | ".join(_COLUMNS)} |
| {" | ".join(_COLUMNS.values())} |"""


def render(results: Mapping[str, Row]) -> str:
    """Return the page for the programs that were run."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Row]) -> Iterator[str]:
    yield _HEAD + _TABLE
    shown = {name: results[name] for name in PROGRAMS if name in results}
    for name, row in shown.items():
        yield _failure(PROGRAMS[name], row) if "failed" in row else _line(PROGRAMS[name], row)
    yield "\n## What was run\n"
    yield "| program | from | arguments |\n| --- | --- | --- |"
    for name, row in shown.items():
        program = PROGRAMS[name]
        source, commit = program.source, row["commit"]
        told = " ".join(program.arguments).replace("{work}/", "")
        note = f" {program.note}" if program.note else ""
        yield (
            f"| {program.name} | {source.repository}, `{source.file}`, {commit[:12]} "
            f"| {f'`{told}`' if told else 'none.'}{note} |"
        )
    yield "\n## What was said\n\nThe closing summaries, as they stood on standard error.\n"
    for name, row in shown.items():
        if "said" in row:
            yield f"{PROGRAMS[name].name}:\n\n```text\n{row['said'].strip()}\n```\n"
    yield "## Where\n"
    for name, row in shown.items():
        repeats = f", {row['repeats']} runs each way" if "repeats" in row else ""
        yield f"- {PROGRAMS[name].name}: {row['place']}{repeats}"


def _line(program: Program, row: Row) -> str:
    """Return a program's line."""
    same = row["output_same"] and row["files_same"]
    cells = [
        program.name,
        _steps(row),
        f"all {row['tensors']}" if row["names"] else "**wrong**",
        *(_apart(row.get(name)) for name in ("loss", "before", "after", "each")),
        _yes(same) if row["deterministic"] else "differs without too",
        _last(program, row),
        *_times(row),
    ]
    return f"| {' | '.join(cells)} |"


def _times(row: Row) -> list[str]:
    """Return what following costs, where it was measured often enough to say."""
    if row["repeats"] < _FEW:
        return ["", "not measured", ""]
    low, high = row["overhead_quartiles"]
    return [
        f"{row['seconds']:.1f}",
        f"{100 * row['overhead']:.1f} % ({100 * low:.1f} to {100 * high:.1f})",
        "" if row["hooks"] is None else f"{100 * row['hooks']:.2g} %",
    ]


def _failure(program: Program, row: Row) -> str:
    """Return the line of a program of which there is nothing to show."""
    reason = row["failed"].strip().splitlines()[-1] if row["failed"].strip() else "no reason"
    return f"| {program.name} | **failed**: {reason.replace('|', ' ')} | | | | | | | | | | |"


def _steps(row: Row) -> str:
    """Return how many steps are recorded, and how many there were where they are not all."""
    steps, shown = row["steps"], row["steps_shown"]
    text = f"{steps:,}" if steps == shown else f"**{steps:,} of {shown:,}**"
    return f"{text} in {row['runs']} runs" if row["runs"] > 1 else text


def _last(program: Program, row: Row) -> str:
    """Return whether the last loss is the same to the bit."""
    if row.get("last_loss_same"):
        return "yes"
    return "**no**" if program.exact else "the copy differs"


def _apart(difference: float | None) -> str:
    """Return a largest relative difference, bold where it is no rounding."""
    if difference is None or difference == float("inf"):
        return "**unknown**"
    text = f"{difference:.1g}" if difference else "0"
    return text if difference < 1e-5 else f"**{text}**"  # noqa: PLR2004 - of float32


def _yes(answer: object) -> str:
    return "yes" if answer else "**no**"
