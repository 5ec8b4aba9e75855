"""Draws the closing summary: at most some 25 lines, as wide as there is room."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gradclip.instrumenting.summary import Spread, Summary
from gradclip.report.facts import layers_of
from gradclip.report.wording import framework_title, number, part_of, percent, plural
from gradclip.watch.chart import CROSS, Size
from gradclip.watch.layers import Layers
from gradclip.watch.profile import profile

_MOST_BARS = 8
_WIDEST = 100  # cells: bars that are longer tell no more
_MOST_NOTES = 4
_LABEL = 13
_ASCII = str.maketrans({"→": ">", "…": "~", "∞": "inf", "≤": "<=", CROSS: "x"})
_OPTIMIZERS = {"ByHand": ", updates by hand"}  # what stands for one where there is none
_ENDED = {"interrupted": ", then it was interrupted", "failed": ", then it failed"}


def drawn(summary: Summary, notes: Sequence[str], console: Console | None = None) -> str:
    """Return what a training came to as text, with colours where standard error is a terminal.

    Args:
        summary: Its figures.
        notes: What the user must know.
        console: What it is drawn for; None for standard error.
    """
    console = console or Console(
        file=sys.stderr, highlight=False, emoji=False, force_jupyter=False, legacy_windows=False
    )
    plain = console.options.ascii_only
    size = Size(width=min(console.width, _WIDEST), height=_MOST_BARS, plain=plain)
    with console.capture() as captured:
        console.print(screen(summary, notes, size))
    text = "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())
    return text.translate(_ASCII) if plain else text


def screen(summary: Summary, notes: Sequence[str], size: Size) -> RenderableType:
    """Return what a training came to, without the commands that come next.

    Args:
        summary: Its figures.
        notes: What the user must know.
        size: How wide it may be, how many bars there may be, and whether in ASCII alone.
    """
    parts = [_heading(summary), _figures(summary, size.width), *_profile(summary, size)]
    return Group(*parts, *([_notes(notes, size.width)] if notes else []))


def _heading(summary: Summary) -> Text:
    """Return how many steps there were, and of what."""
    framework = framework_title(summary.framework)
    optimizer = _OPTIMIZERS.get(summary.optimizer, f" {summary.optimizer}").rstrip()
    what = f"{plural(summary.num_steps, 'step')} with {framework}{optimizer}"
    text = Text.assemble(("gradclip run  ", "bold cyan"), (what, "bold"))
    if summary.num_recorded < summary.num_steps:
        text.append(f", {summary.num_recorded:,} recorded")
    return text.append(_ENDED.get(summary.status, ""), "bold red")


def _figures(summary: Summary, width: int) -> Table:
    """Return the figures, a line each."""
    table = _grid(width)
    for label, text in _lines(summary):
        table.add_row(label, text)
    return table


def _lines(summary: Summary) -> Iterator[tuple[str, Text]]:
    """Yield labels and what stands behind them."""
    if any(map(math.isfinite, summary.losses)):
        yield "loss", Text(" → ".join(map(number, summary.losses)))
    yield "norm before", _norm(summary.before)
    if summary.clipped or summary.skipped:
        yield "norm after", _norm(summary.after)
    yield "clipped", _clipped(summary)
    if summary.skipped or summary.non_finite:
        yield "not finite", _trouble(summary)
    if summary.largest is not None:
        name, part = summary.largest
        yield "largest layer", Text.assemble(name, f": {percent(part)} of the squared global norm")
    size = f"{plural(len(summary.metadata.parameters), 'tensor')}, {_entries(summary.num_entries)}"
    yield "trained", Text(size)
    yield "overhead", _overhead(summary)
    if summary.others:
        yield "shorter runs", Text(", ".join(path.name for path in summary.others[:_MOST_NOTES]))


def _norm(norms: Spread) -> Text:
    """Return how a norm was spread."""
    if norms.peak_step is None:
        return Text("never finite", "bold red")
    return Text.assemble(
        ("median ", "dim"), number(norms.median), ("  99 % ≤ ", "dim"), number(norms.high),
        ("  largest ", "dim"), number(norms.peak), (f" at step {norms.peak_step:,}", "dim"),
    )  # fmt: skip


def _clipped(summary: Summary) -> Text:
    """Return on what share of the steps a clip acted, and how far it scaled there."""
    policy = summary.metadata.policy
    by = f" by {'--clip ' if summary.asked else ''}{policy}" if policy else ""
    if not summary.clipped:
        return Text(f"never{by}" if policy else "nothing clips", "" if policy else "dim")
    text = Text(part_of(summary.clipped, summary.num_recorded, "steps"), "yellow")
    return text.append(f"{by}, median scale {number(summary.median_scale)}", "default")


def _trouble(summary: Summary) -> Text:
    """Return how many norms were not finite, and how many steps were skipped."""
    broken = f"the norm on {plural(summary.non_finite, 'step')}"
    return Text(f"{broken}; {plural(summary.skipped, 'step')} skipped", "bold red")


def _overhead(summary: Summary) -> Text:
    """Return what following cost, as far as hooks can tell."""
    if not math.isfinite(summary.overhead):
        return Text("not known of a single step", "dim")
    text = Text(percent(summary.overhead) if summary.overhead else "0 %")
    return text.append(" of the training time, measured in the hooks", "dim")


def _entries(count: int) -> str:
    """Return how many numbers there are, in three digits.

    Example:
        >>> _entries(512), _entries(124_439_808)
        ('512 entries', '124 million entries')
    """
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if count >= size:
            return f"{number(count / size)}{word} entries"
    return f"{count} entries"


def _profile(summary: Summary, size: Size) -> list[RenderableType]:
    """Return the weights' norms from input to output as bars."""
    places = layers_of(summary.metadata.parameters)
    if len(places) < 2:  # noqa: PLR2004 - an input and an output
        return []
    layers = Layers(
        step=0,
        names=tuple(p.name.replace("/", ".") for p in summary.metadata.parameters),
        matrices=np.array(places, dtype=np.int64),
        columns={"before": summary.norms},
    )
    room = replace(size, height=min(len(places), size.height))
    bars = profile(layers, room)
    bars.end = "\n"
    title = Text.assemble(("weights, input → output", "bold"), ("  mean norm before", "dim"))
    return [title, bars]


def _notes(notes: Sequence[str], width: int) -> Table:
    """Return what the user must know, the first of it where that is much."""
    table = _grid(width)
    for note in notes[:_MOST_NOTES]:
        table.add_row(Text("note", "bold yellow"), Text(note))
    if len(notes) > _MOST_NOTES:
        table.add_row("", Text(f"{len(notes) - _MOST_NOTES} more in the run's run.json", "dim"))
    return table


def _grid(width: int) -> Table:
    """Return a table of labels and texts without lines, so wide."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, width=_LABEL)
    table.add_column(overflow="fold", max_width=max(width - _LABEL - 2, 1))
    return table
