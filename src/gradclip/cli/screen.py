"""What `gradclip demo` shows: a progress bar on a terminal, plain lines anywhere else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from gradclip.experiments.running import Training
from gradclip.record.schema import Parameter, StepRecord
from gradclip.report.figures import Figures
from gradclip.report.terminal import norms_table, summary_table
from gradclip.report.wording import number, percent

TABLE_EVERY = 100  # steps, as the first post prints its loss; of a long training, a tenth of it


class Screen:
    """Show trainings one after the other.

    Args:
        console: Where to; None for standard output.
        errors: Where failures go; None for standard error.
    """

    def __init__(self, console: Console | None = None, errors: Console | None = None) -> None:
        self.console = console or Console(highlight=False, emoji=False)
        self._errors = errors or Console(highlight=False, emoji=False, stderr=True)
        self._progress: Progress | None = None
        self._parameters: tuple[Parameter, ...] = ()
        self._num_steps = 0

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Say what is waited for, on a terminal, until the block ends."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(Text(f"{text} ...", style="dim")):
            yield

    @contextmanager
    def training(self, name: str, training: Training) -> Iterator[None]:
        """Show the start of a training, and its progress until the block ends."""
        self._parameters = training.parameters
        self._num_steps = training.num_steps
        self.console.print(_introduction(name, training))
        if not self.console.is_terminal:
            yield
            return
        with self._new_progress() as self._progress:
            self._progress.add_task("", total=training.num_steps, text="", speed="")
            yield
        self._progress = None

    def show(self, record: StepRecord) -> None:
        """Show a step: on the bar, and every hundred steps as a table."""
        tenth = self._num_steps // 10 // TABLE_EVERY * TABLE_EVERY
        if record.step % max(TABLE_EVERY, tenth) == 0:
            self.console.print(norms_table(self._parameters, record))
            self.console.print()
        if self._progress is None:
            return
        task = self._progress.tasks[0]
        speed = f"{number(round((record.step + 1) / record.time))}/s" if record.time else ""
        self._progress.update(
            task.id, completed=record.step + 1, text=_reading(record), speed=speed
        )

    def fail(self, name: str, message: str) -> None:
        """Say why a training ended early."""
        stopped = f"{name} stopped: " if name else "Stopped: "
        self._errors.print(Text.assemble((stopped, "bold red"), message), soft_wrap=True)

    def summarize(self, title: str, runs: Mapping[str, Figures], places: Mapping[str, str]) -> None:
        """Show what the runs came to and where they are."""
        if self.console.is_terminal:
            table = Panel(summary_table(runs), title=title, title_align="left", expand=False)
            self.console.print(table)
        else:
            self.console.print(title, summary_table(runs), sep="\n")
        for name, path in places.items():  # one line each, to be copied
            self.console.print(f"{name:<6}", Text(path, style="cyan"), soft_wrap=True)

    def _new_progress(self) -> Progress:
        """Return a progress bar that fits a narrow terminal."""
        return Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TextColumn("[dim]{task.fields[speed]}"),
            console=self.console,
            expand=True,
            refresh_per_second=12,
        )


def _reading(record: StepRecord) -> str:
    """Return a step's loss and accuracy, in few characters."""
    loss = "" if record.loss is None else f"loss {number(record.loss):<6}"
    accuracy = "" if record.accuracy is None else f" acc {percent(record.accuracy):<6}"
    return loss + accuracy


def _introduction(name: str, training: Training) -> Text:
    """Return what is trained, in one line."""
    experiment = training.experiment
    widths = experiment.widths
    network = "-".join(map(str, widths)) if len(widths) < 8 else f"{len(widths) - 1} layers"  # noqa: PLR2004  # still one line
    clipping = experiment.clip if experiment.policy else "no clipping"
    own = " (its own)" if experiment.clipper == "native" else ""
    text = f"{experiment.framework} {training.version}, {network}, {clipping}{own}"
    return Text.assemble((f"{name}: " if name else "", "bold"), text, "\n")
