"""The lines above the curves, and the curves' titles."""

import math
from collections.abc import Sequence

from rich.text import Text

from gradclip.report.wording import duration, number, percent
from gradclip.watch.alarms import Alarm, alarms
from gradclip.watch.chart import Curve
from gradclip.watch.look import Look
from gradclip.watch.rates import rates

LOSS = (Curve(column="loss", style="green", band="green dim", marked=True, sparse=True),)
# What was kept hides what there was before, of which only what was clipped away stays to be seen.
NORMS = (
    Curve(column="limit", style="magenta", mark="-", dashed=True),
    Curve(column="global_norm_before", style="yellow", band="yellow dim", mark="+", marked=True),
    Curve(column="global_norm_after", style="cyan", band="cyan dim"),
)
_IDLE = 10.0  # seconds without news that are worth saying
_STATUS = {"running": "bold green", "finished": "bold cyan", "interrupted": "bold yellow"}


def header(look: Look, name: str) -> Text:
    """Return what is watched, and how it stands: two lines.

    Args:
        look: The run.
        name: What it is called.
    """
    metadata = look.metadata
    status = Text(look.status, _STATUS.get(look.status, "bold red"))
    if look.status == "running" and look.idle_seconds > _IDLE:
        status.append(f", nothing new for {duration(round(look.idle_seconds))}", "yellow")
    what = [Text(metadata.program), Text(metadata.policy or "no clipping"), status]
    first = Text("  ").join([Text(name, "bold"), *what])
    lines = Text("\n").join([first, _progress(look)])
    lines.no_wrap, lines.overflow, lines.end = True, "ellipsis", ""
    return lines


def _progress(look: Look) -> Text:
    """Return how far the run is, and how often it clips."""
    numbers, rate = look.numbers, rates(look.numbers)
    parts = [(f"{len(numbers.steps):,}", " steps")]
    if math.isfinite(rate.steps_per_second):
        parts.append((number(rate.steps_per_second), " steps/s"))
    if rate.recent:
        parts.append((percent(rate.clipped), " clipped"))
        parts.append((percent(rate.clipped_recently), f" of the last {rate.recent}"))
        parts.append((f"{rate.skipped:,}", " skipped"))
    return Text("  ").join(Text.assemble((value, "bold"), (unit, "dim")) for value, unit in parts)


def alarms_of(look: Look) -> tuple[Alarm, ...]:
    """Return what is unusual about a run, and why it failed if it did."""
    error = (look.summary or {}).get("error")
    failure = (Alarm(f"{error}", serious=True),) if error else ()
    return (*failure, *alarms(look.numbers, look.layers))


def alarm_lines(found: Sequence[Alarm], most: int) -> Text:
    """Return what is unusual in so many lines; where they do not suffice the last one says so."""
    if not found:
        return Text("Nothing unusual.", "dim", no_wrap=True, end="")
    shown = list(found[:most])
    lines = [Text(f"! {a.text}", "bold red" if a.serious else "yellow") for a in shown]
    if len(found) > most:
        lines[-1].append(f"  (+{len(found) - most} more)", "dim")
    joined = Text("\n").join(lines)
    joined.no_wrap, joined.overflow, joined.end = True, "ellipsis", ""
    return joined


def loss_title(look: Look) -> Text:
    """Return the loss' title, with its last value."""
    known = look.numbers.loss[-1:]
    return Text.assemble(("loss", "bold"), f" {number(float(known[0]))}" if len(known) else "")


def norm_title(look: Look) -> Text:
    """Return the norms' title, with the last step's, which is the curves' legend too."""
    title = Text.assemble(("norm", "bold"))
    numbers = look.numbers
    if not len(numbers.steps):
        return title
    before, after, limit = (
        float(column[-1])
        for column in (numbers.global_norm_before, numbers.global_norm_after, numbers.limit)
    )
    title.append(f" {number(before)}", "yellow").append(" → ").append(number(after), "cyan")
    return title.append(f" limit {number(limit)}", "magenta") if math.isfinite(limit) else title


def profile_title() -> Text:
    """Return the title of the layers' profile."""
    return Text.assemble(("weights", "bold"), (" in → out", "dim"))
