"""Draws a run on the terminal: the parameters' norms at a step, and what a run came to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from gradclip.record.schema import Parameter, StepRecord
from gradclip.report.figures import Figures, Layers
from gradclip.report.wording import duration, number, part_of, percent

MAX_ROWS = 12  # a screen still shows the next table then
_SHORTEST_BAR = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class NormBar:
    """A bar as long as a norm before clipping; what clipping took away is its pale end.

    Attributes:
        before: The length before clipping, a share of the width in [0, 1].
        after: The length after clipping, likewise.
    """

    before: float
    after: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the bar as wide as there is room."""
        kept = round(options.max_width * min(self.after, self.before))
        clipped = max(0, round(options.max_width * self.before) - kept)
        full, pale = ("#", "-") if options.ascii_only else ("█", "░")
        yield Segment(full * kept, Style(color="cyan"))
        yield Segment(pale * clipped, Style(color="yellow"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Take whatever room there is."""
        return Measurement(_SHORTEST_BAR, options.max_width)


def norms_table(parameters: Sequence[Parameter], record: StepRecord) -> Table:
    """Return a step's norms before and after clipping, from the input to the output.

    Args:
        parameters: The parameters, in the order of the record's norms.
        record: The step.

    Returns:
        One row a parameter, or evenly spaced weights where there are more than fit on a screen;
        the bars are logarithmic.

    Example:
        >>> record = StepRecord(
        ...     step=0,
        ...     time=0.0,
        ...     loss=1.0,
        ...     global_norm_before=5.0,
        ...     global_norm_after=1.0,
        ...     scale=0.2,
        ...     norms_before=(3.0, 4.0),
        ...     norms_after=(0.6, 0.8),
        ... )
        >>> table = norms_table([Parameter("w1", (2, 2)), Parameter("w2", (2, 2))], record)
        >>> Console(width=60, no_color=True).print(table)
        step 0  loss 1  global norm 5 → 1
                   before     after   x scale  input to output, log
        w1              3       0.6       0.2  ...█...░...
        w2              4       0.8       0.2  ...█...░...
    """
    table = Table(title=_title(record), title_justify="left", title_style="", box=None, expand=True)
    table.pad_edge = False
    table.add_column("", style="bold", no_wrap=True, max_width=18, min_width=7)
    for name in ("before", "after", "x scale"):
        table.add_column(name, justify="right", no_wrap=True, min_width=8)
    table.add_column("input to output, log", header_style="dim", ratio=1, no_wrap=True)
    places = _shown(parameters)
    bounds = _bounds(
        [norms[i] for i in places for norms in (record.norms_before, record.norms_after)]
    )
    for place in places:
        before, after = record.norms_before[place], record.norms_after[place]
        bar = NormBar(before=_share(before, bounds), after=_share(after, bounds))
        texts = [_norm(before), _norm(after), _scale(before, after)]
        table.add_row(parameters[place].name, *texts, bar)
    if len(places) < len(parameters):
        table.caption = f"{len(places)} of {len(parameters)} parameters; the report has all"
        table.caption_justify = "left"
    return table


def summary_table(runs: Mapping[str, Figures]) -> Table:
    """Return what one run, or several, came to.

    Args:
        runs: Figures by the run's name.

    Returns:
        One column a run.
    """
    table = Table(box=None, show_header=len(runs) > 1, header_style="bold", pad_edge=False)
    table.add_column("", style="dim")
    for name in runs:
        table.add_column(name, overflow="fold")
    rows = [_summary_rows(summary) for summary in runs.values()]
    for name in dict.fromkeys(name for row in rows for name in row):
        table.add_row(name, *(row.get(name, "-") for row in rows))
    return table


def _summary_rows(summary: Figures) -> dict[str, str]:
    """Return one run's figures by their titles."""
    known = summary.test_accuracy is not None
    rows = {
        "test accuracy": percent(summary.test_accuracy or 0.0) if known else "not measured",
        "steps": f"{summary.num_steps} in {duration(summary.seconds)}"
        if summary.num_steps
        else "none",
        "steps clipped": part_of(summary.clipped, summary.num_steps),
        "largest norm": f"{number(summary.peak)} at step {summary.peak_step}"
        if summary.peak_step is not None
        else "none was finite",
    }
    if summary.skipped or summary.non_finite:
        rows["not finite"] = f"{summary.non_finite} steps, {summary.skipped} skipped"
    return rows | _vanishing_rows(summary.layers)


def _vanishing_rows(layers: Layers | None) -> dict[str, str]:
    """Return the first and last weight's norms and their ratio, from the first step to the last."""
    if layers is None:
        return {}
    pairs = {
        f"norm of {layers.first}, first → last step": layers.first_norms,
        f"norm of {layers.last}, first → last step": layers.last_norms,
        f"{layers.first} / {layers.last}, first → last step": layers.ratios,
    }
    return {name: f"{number(start)} → {number(end)}" for name, (start, end) in pairs.items()}


def _title(record: StepRecord) -> Text:
    """Return the line above a step's norms."""
    parts = [("step ", "dim"), (str(record.step), "bold")]
    if record.loss is not None:
        parts += [("  loss ", "dim"), (number(record.loss), "")]
    if record.accuracy is not None:
        parts += [("  accuracy ", "dim"), (percent(record.accuracy), "")]
    parts += [("  global norm ", "dim"), (number(record.global_norm_before), "")]
    if record.skipped:
        parts.append((" skipped", "bold red"))
    elif record.scale != 1:
        parts.append((f" → {number(record.global_norm_after)}", "yellow"))
    return Text.assemble(*parts)


def _shown(parameters: Sequence[Parameter]) -> list[int]:
    """Return the parameters that fit on a screen: all, or evenly spaced weights."""
    places = list(range(len(parameters)))
    if len(places) <= MAX_ROWS:
        return places
    places = [i for i in places if len(parameters[i].shape) > 1] or places
    last = len(places) - 1
    rows = min(MAX_ROWS, len(places))
    return [places[round(row * last / max(rows - 1, 1))] for row in range(rows)]


def _bounds(norms: Sequence[float]) -> tuple[float, float]:
    """Return the whole powers of ten around the positive finite norms."""
    powers = [math.log10(norm) for norm in norms if norm > 0 and math.isfinite(norm)] or [0.0]
    return math.floor(min(powers) - 0.3), math.ceil(max(powers) + 1e-9)


def _share(norm: float, bounds: tuple[float, float]) -> float:
    """Return how much of a bar a norm fills; nothing for 0 and NaN, everything for inf."""
    if not norm > 0:
        return 0.0
    low, high = bounds
    return min(1.0, max(0.0, (math.log10(norm) - low) / (high - low))) if norm < math.inf else 1.0


def _norm(norm: float) -> Text:
    """Return a norm, red where it is not finite."""
    return Text(number(norm), style="" if math.isfinite(norm) else "bold red")


def _scale(before: float, after: float) -> Text:
    """Return how far clipping scaled one parameter's gradient, dim where it left it."""
    if not (before > 0 and math.isfinite(before) and math.isfinite(after)):
        return Text("-", style="dim")
    scale = after / before
    unchanged = abs(scale - 1) < 1e-6  # noqa: PLR2004  # float32 rounding
    return Text("1", style="dim") if unchanged else Text(number(scale), style="yellow")
