"""`gradclip export`: a run in a form that other tools read."""

from pathlib import Path

import click

from gradclip.record.export import FORMS, export_run
from gradclip.record.reader import open_run
from gradclip.record.sinks import TensorBoard, feed

_NUM_POINTS = 1000  # of a curve, as many as TensorBoard shows by default


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice([*FORMS, "tensorboard"]), required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder to write to; for JSON the file.",
    show_default="RUN/FORM; RUN/export.json",
)
@click.option("--rank", type=int, help="Whose steps, of several processes.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    help="Of how many steps TensorBoard shall have one.",
    show_default=f"{_NUM_POINTS} steps of the run",
)
def export(run: Path, form: str, out: Path | None, rank: int | None, every: int | None) -> None:
    """Write a run as Parquet, CSV or JSON, or replay it for TensorBoard.

    Parquet and CSV are three tables: steps, tensors (a row for each step and tensor) and updates.
    All steps are written; to TensorBoard go some of them, with the ten largest layers.

    \b
    Examples:
      gradclip export runs/mine --to parquet
      gradclip export runs/mine --to tensorboard --out logs/gradclip
    """  # noqa: D301  # \b keeps click from filling the examples
    out = out or run / ("export.json" if form == "json" else form)
    if form == "tensorboard":
        num_steps = open_run(run, rank=rank).num_steps
        feed(run, TensorBoard(out, every=every or max(num_steps // _NUM_POINTS, 1)), rank=rank)
        click.echo(out)
        return
    for path in export_run(run, out, form, rank=rank):  # type: ignore[arg-type]  # click checked it
        click.echo(path)
