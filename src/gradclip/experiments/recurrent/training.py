"""Trains a network on the temporal-order problem and says what each step did."""

import math
import platform
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import gradclip
from gradclip.core.arithmetic import is_scalar
from gradclip.experiments.applied import UPDATES_EVERY, with_update
from gradclip.experiments.observation import Observation
from gradclip.experiments.recurrent.experiment import TemporalOrder
from gradclip.experiments.recurrent.learner import Learner
from gradclip.experiments.recurrent.network import draw_weights, evaluate, parameters
from gradclip.experiments.recurrent.tasks import draw_temporal_order
from gradclip.record import Metadata, Parameter, StepRecord
from gradclip.record.schema import Json

SOLVED = 0.01  # the share of wrong answers below which the problem is solved, as in the paper
_TEST_SEQUENCES = 10_000  # likewise
_RECENT = 100  # batches without a mistake among about 2,000 answers end the training


class TemporalOrderTraining:
    """Train a network on the temporal-order problem, until it is solved or time is up.

    Args:
        experiment: What to train and how.

    Attributes:
        experiment: What is trained.
        parameters: The parameters' names and shapes, in the order of every record's norms.
        num_steps: How many batches there will be at most.
        version: The version of NumPy.
        learner: The network.

    Example:
        >>> training = TemporalOrderTraining(TemporalOrder(steps=2, length=10))
        >>> [record.step for record in training.steps()]
        [0, 1]
    """

    def __init__(self, experiment: TemporalOrder) -> None:
        self.experiment = experiment
        self.parameters: tuple[Parameter, ...] = parameters(*experiment.widths)
        self.num_steps = experiment.steps
        self.version = np.__version__
        weights, sequences, test = np.random.default_rng(experiment.seed).spawn(3)
        self._rng, self._test_rng = sequences, test
        drawn = draw_weights(weights, *experiment.widths, init=experiment.init)
        self.learner = Learner(drawn, experiment.policy, experiment.lr)
        self._observation = Observation(self.parameters)
        self._test_accuracy: float | None = None

    def metadata(self, program: str, arguments: Mapping[str, Json]) -> Metadata:
        """Return what a run directory says of this training.

        Args:
            program: What was run, such as `gradclip demo`.
            arguments: Its arguments by name.
        """
        experiment = self.experiment
        return Metadata(
            program=program,
            arguments=dict(arguments),
            framework="numpy",
            framework_version=np.__version__,
            gradclip=gradclip.__version__,
            python=platform.python_version(),
            parameters=self.parameters,
            policy=experiment.clip if experiment.policy else None,
            seed=experiment.seed,
        )

    def steps(self) -> Iterator[StepRecord]:
        """Train, yielding a record of each step once it is done.

        Yields:
            The records, `num_steps` of them or fewer if the problem is solved before.
        """
        experiment = self.experiment
        start, mistakes = time.perf_counter(), deque([math.inf] * _RECENT, maxlen=_RECENT)
        for step in range(self.num_steps):
            batch = draw_temporal_order(self._rng, experiment.length, experiment.batch_size)
            before = self.learner.weights  # which are not written to
            loss, accuracy = self.learner.learn(batch)
            record = self._record(step, time.perf_counter() - start, loss, accuracy)
            if step % UPDATES_EVERY == 0:
                record = with_update(record, before, self.learner.weights)
            self._observation.add(record)
            yield record
            mistakes.append(1 - accuracy)
            if not any(mistakes):
                return

    def evaluate(self) -> float:
        """Return the share of 10,000 new sequences that are told rightly now, in [0, 1]."""
        batch = draw_temporal_order(self._test_rng, self.experiment.length, _TEST_SEQUENCES)
        with np.errstate(all="ignore"):
            self._test_accuracy = evaluate(self.learner.weights, *batch)[1]
        return self._test_accuracy

    @property
    def solved(self) -> bool:
        """Whether less than one answer in a hundred was wrong when it was evaluated."""
        return self._test_accuracy is not None and 1 - self._test_accuracy < SOLVED

    def summary(self) -> dict[str, Json]:
        """Return what to keep of the steps so far, as of the other task's training."""
        return {"test_accuracy": self._test_accuracy, **self._observation.summary()}

    def _record(self, step: int, seconds: float, loss: float, accuracy: float) -> StepRecord:
        report: Any = self.learner.report
        limit = float(report.limit) if is_scalar(report.limit) else math.nan
        return StepRecord(
            step=step,
            time=seconds,
            loss=loss,
            accuracy=accuracy,
            learning_rate=self.experiment.lr,
            global_norm_before=float(report.norm_before),
            global_norm_after=float(report.norm_after),
            limit=limit if math.isfinite(limit) else None,
            scale=float(report.scale),
            skipped=bool(report.skipped),
            norms_before=tuple(map(float, report.parts_before)),
            norms_after=tuple(map(float, report.parts_after)),
        )
