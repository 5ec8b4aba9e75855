"""Trains one experiment or several compared, and leaves runs and a report behind."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradclip.cli.environment import command
from gradclip.cli.interruption import Interruption
from gradclip.cli.screen import Screen
from gradclip.errors import NonFiniteGradientError
from gradclip.experiments.running import Training
from gradclip.instrumenting.directory import refuse_used
from gradclip.record.reader import open_run
from gradclip.record.schema import Json, Status
from gradclip.record.writer import RunWriter
from gradclip.report.facts import gather
from gradclip.report.figures import figures
from gradclip.report.html import write_html

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One call of `gradclip demo`.

    Attributes:
        start: What makes an experiment's training.
        directory: Where the run goes; compared runs go into folders of it, named as they are.
        screen: Where it is shown.
    """

    start: Callable[[Any], Training]
    directory: Path
    screen: Screen

    def run(self, experiments: Mapping[str, Any]) -> int:
        """Train the experiments one after the other, and report on all that began.

        Args:
            experiments: Experiments by their folders' names; one may have the empty name.

        Returns:
            The exit status: 0, 1 if nothing trained to its end, or 130 after Ctrl-C.
        """
        refuse_used(self.directory)
        statuses: dict[str, Status] = {}
        with Interruption() as interruption:
            for name, experiment in experiments.items():
                statuses[name] = self._train(name, experiment, interruption)
                if interruption.requested:
                    break
            self._report(list(statuses))
        if "interrupted" in statuses.values():
            return EXIT_INTERRUPTED
        return 0 if "finished" in statuses.values() else EXIT_FAILED

    def _train(self, name: str, experiment: Any, interruption: Interruption) -> Status:
        """Train one experiment into its run directory."""
        with self.screen.waiting(f"Starting {experiment.framework}"):
            training = self.start(experiment)
        metadata = training.metadata("gradclip demo", _arguments(experiment))
        with RunWriter(self.directory / name, metadata) as writer:
            try:
                with self.screen.training(name, training):
                    status = self._watch(training, writer, interruption)
                error: dict[str, Json] = {}
            except NonFiniteGradientError as diverged:
                status, error = "failed", {"error": str(diverged)}
                self.screen.fail(name, str(diverged))
            if status == "finished":
                training.evaluate()
            writer.finish(status, {**training.summary(), **error})
        return status

    def _watch(self, training: Training, writer: RunWriter, interruption: Interruption) -> Status:
        """Train, writing and showing each step, to the end or to Ctrl-C."""
        for record in training.steps():
            writer.write(record)
            self.screen.show(record)
            if interruption.requested:
                return "interrupted"
        return "finished"

    def _report(self, names: list[str]) -> None:
        """Write the report of the runs, and show what they came to."""
        runs = {name or self.directory.name: open_run(self.directory / name) for name in names}
        path = write_html(self.directory / "report.html", runs)
        self.screen.summarize(
            _title({run.status for run in runs.values()}),
            {name: figures(gather(name, run)) for name, run in runs.items()},
            {
                "run": str(self.directory),
                "report": str(path),
                "watch": f"{command()} watch {shlex.quote(str(self.directory))}",
                "serve": f"{command()} serve {shlex.quote(str(self.directory.parent))}",
            },
        )


def _title(statuses: set[Status]) -> str:
    """Return how the runs ended, in a few words."""
    if "interrupted" in statuses:
        return "Interrupted; what was trained is kept"
    return "Done" if "finished" in statuses else "Stopped; what was trained is kept"


def _arguments(experiment: Any) -> dict[str, Json]:
    """Return an experiment's choices as options of the command line."""
    return {
        name.replace("_", "-"): list(value) if isinstance(value, tuple) else value
        for name, value in asdict(experiment).items()
    }
