"""`gradclip report`: tells what existing runs did, as a page, as JSON, or in words."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from gradclip.record.reader import RunReader, open_run
from gradclip.record.schema import RUN_FILE
from gradclip.report.document import render_json
from gradclip.report.html import render_html, write_text
from gradclip.report.plain import render_markdown, render_text

_Render = Callable[[Mapping[str, RunReader]], str]
_FORMATS: Mapping[str, _Render] = {
    "html": render_html,
    "json": render_json,
    "md": render_markdown,
    "text": render_text,
}


@click.command(context_settings={"show_default": True})
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write.",
    show_default="report.html in RUN; of several, in this folder; other formats are printed",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(_FORMATS)),
    default="html",
    help="A page that opens offline, JSON for programs, or the summary in words.",
)
def report(runs: tuple[Path, ...], out: Path | None, kind: str) -> None:
    """Tell what one run did, or compare several.

    RUNS are run folders, or folders of runs as `gradclip demo --compare` leaves them.
    """
    found = _read(path for folder in runs for path in _expand(folder))
    text = _FORMATS[kind](found)
    if out is None and kind != "html":
        click.echo(text, nl=False)
        return
    # Several runs' page must not replace the page of the first.
    folder = runs[0] if len(runs) == 1 else Path()
    click.echo(write_text(out or folder / "report.html", text))


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
