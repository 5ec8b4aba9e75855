"""`gradclip replay`: what other clippings would have done to a run that was recorded."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradclip.core.policies.resolve import parse_policy
from gradclip.record.reader import read_run
from gradclip.record.run import Run
from gradclip.replaying import Replay, replay, suggest
from gradclip.report.wording import number, percent

_ASKED_BY_DEFAULT = ("autoclip", "zclip", "adagc")


@click.command(name="replay", context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("policies", nargs=-1, metavar="[POLICY]...")
@click.option(
    "--share", type=float, default=0.01, help="The share of steps that a threshold may clip."
)
def replay_command(run: Path, policies: tuple[str, ...], share: float) -> None:
    """Say what other clippings would have done to a run, and suggest a threshold.

    POLICY is global-norm=LIMIT, norm=LIMIT, autoclip, zclip or adagc, the last three with or
    without a number. Without any, these three and the suggested threshold are replayed. What is
    replayed are the norms as they were recorded: it does not train again.

    \b
    Examples:
      gradclip replay runs/demo-1
      gradclip replay runs/demo-1 global-norm=10 zclip=3
    """  # noqa: D301  # \b keeps click from filling the examples
    recorded = read_run(run)
    for text in policies:  # all of them are checked before anything is shown
        parse_policy(text)
    suggestion = suggest(recorded, share=share)
    asked = policies or (f"global-norm={suggestion.max_norm:g}", *_ASKED_BY_DEFAULT)
    console = Console(highlight=False, emoji=False)
    console.print(_table(recorded, {text: replay(recorded, text) for text in asked}))
    console.print(Text(str(suggestion)), soft_wrap=True)


def _table(run: Run, replays: dict[str, Replay]) -> Table:
    """Return a row for each clipping, the run's own first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("clipping")
    for title in ("clipped", "share", "skipped", "smallest scale"):
        table.add_column(title, justify="right")
    clipped = (run.scale < 1) & ~run.skipped
    own = run.metadata.policy or "none"
    table.add_row(f"{own} (as recorded)", *_cells(clipped, run.skipped, run.scale))
    for text, replayed in replays.items():
        table.add_row(text, *_cells(replayed.clipped, replayed.skipped, replayed.scale))
    return table


def _cells(
    clipped: NDArray[np.bool_], skipped: NDArray[np.bool_], scale: NDArray[np.float64]
) -> tuple[str, ...]:
    """Return what a clipping came to, as text."""
    smallest = number(float(scale[clipped].min())) if clipped.any() else "1"
    share = percent(float(clipped.mean())) if len(clipped) else "0 %"
    return str(int(clipped.sum())), share, str(int(skipped.sum())), smallest
