"""`gradclip report`: makes the page of existing runs again."""

from collections.abc import Iterable
from pathlib import Path

import click

from gradclip.record.reader import RunReader, open_run
from gradclip.record.schema import RUN_FILE
from gradclip.report.html import write_html


@click.command(context_settings={"show_default": True})
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The page to write.",
    show_default="report.html in RUN; of several, in this folder",
)
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Make report.html of one run, or of several compared.

    RUNS are run folders, or folders of runs as `gradclip demo --compare` leaves them.
    """
    found = _read(path for folder in runs for path in _expand(folder))
    # Several runs' page must not replace the page of the first.
    folder = runs[0] if len(runs) == 1 else Path()
    click.echo(write_html(out or folder / "report.html", found))


def _expand(folder: Path) -> list[Path]:
    """Return a run's folder, or those of the runs inside."""
    if (folder / RUN_FILE).exists():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{RUN_FILE}")) or [folder]


def _read(paths: Iterable[Path]) -> dict[str, RunReader]:
    """Return the runs by their folders' names, numbered where two have the same."""
    runs: dict[str, RunReader] = {}
    for path in paths:
        name = path.resolve().name
        copies = sum(known == name or known.startswith(f"{name} (") for known in runs)
        runs[f"{name} ({copies + 1})" if copies else name] = open_run(path)
    return runs
