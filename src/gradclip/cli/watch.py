"""`gradclip watch`: a run in the terminal, while it is written or when it has ended."""

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from gradclip.record.reader import open_run
from gradclip.watch.find import Found, find_run
from gradclip.watch.look import look
from gradclip.watch.still import still

_LEAST = 0.1  # seconds: a recorder writes ten times a second


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--every",
    type=click.FloatRange(min=_LEAST),
    default=1.0,
    help="Seconds from one look to the next.",
    metavar="SECONDS",
)
@click.option(
    "--once",
    is_flag=True,
    help="Print one picture and end, as without a terminal.",
)
def watch(run: Path, *, every: float, once: bool) -> None:
    """Show a run in the terminal while it is written, or when it has ended.

    RUN is a run folder, or a folder of runs as `gradclip demo --compare` leaves it: then the one
    that was written to last is shown.

    \b
    Examples:
      gradclip watch runs/demo-1
      gradclip watch runs/demo-1 --every 5
      gradclip watch runs/demo-1 --once | less -R
    """  # noqa: D301  # \b keeps click from filling the examples
    found = find_run(run)
    reader = open_run(found.path)
    name = _name(found)
    console = Console(highlight=False, emoji=False)
    if once or not console.is_terminal or console.is_dumb_terminal:
        console.print(still(look(reader), name, console))
        return
    from gradclip.watch.app import WatchApp  # noqa: PLC0415  # one picture needs no Textual

    WatchApp(reader, name, every=every, dark=_dark()).run()
    sys.stdout.flush()


def _name(found: Found) -> str:
    """Return what the run is called, and what it was chosen from."""
    if not found.others:
        return str(found.path)
    return f"{found.path} (newest of {', '.join(sorted([*found.others, found.path.name]))})"


def _dark() -> bool:
    """Return whether the terminal is dark, as far as it says: some set their colors' numbers.

    0 to 6 and 8 are the dark ones of 16 backgrounds.
    """
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return not background.isdecimal() or int(background) in {*range(7), 8}
