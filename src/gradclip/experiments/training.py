"""Trains an experiment step by step and says what each step did."""

import platform
import time
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

import gradclip
from gradclip.errors import NonFiniteGradientError
from gradclip.experiments.applied import UPDATES_EVERY, with_update
from gradclip.experiments.batches import batches, num_batches
from gradclip.experiments.data import Dataset
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.model import Images, Labels, StepMeasure
from gradclip.experiments.models import build_model
from gradclip.experiments.observation import Observation
from gradclip.experiments.weights import draw_weights, parameters
from gradclip.record import Metadata, Parameter, StepRecord
from gradclip.record.schema import Json

MAX_SKIPPED_IN_A_ROW = 10  # then it is not a bad batch any more, but a run that does not learn


class Training:
    """Train a network on MNIST.

    Args:
        experiment: What to train and how.
        data: The images and labels.

    Attributes:
        experiment: What is trained.
        parameters: The parameters' names and shapes, in the order of every record's norms.
        num_steps: How many batches there will be.
        model: The network.
        version: The framework's version.

    Raises:
        MissingFrameworkError: The framework is not installed.

    Example:
        >>> from gradclip.experiments.data import load_mnist
        >>> training = Training(Experiment(framework="numpy", steps=2), load_mnist())
        >>> for record in training.steps():
        ...     print(record.step, f"{record.global_norm_after:.3f}")
        0 15.000
        1 10.128
    """

    def __init__(self, experiment: Experiment, data: Dataset) -> None:
        self.experiment = experiment
        self.parameters: tuple[Parameter, ...] = parameters(experiment)
        per_epoch = num_batches(len(data.train_images), experiment.batch_size)
        self.num_steps = experiment.steps or experiment.epochs * per_epoch
        self.model = build_model(experiment, draw_weights(experiment))
        self.version: str = self.model.version
        self._data = data
        self._observation = Observation(self.parameters)
        self._test_accuracy: float | None = None

    def metadata(self, program: str, arguments: Mapping[str, Json]) -> Metadata:
        """Return what a run directory says of this training.

        Args:
            program: What was run, such as `gradclip demo`.
            arguments: Its arguments by name.
        """
        return Metadata(
            program=program,
            arguments=dict(arguments),
            framework=self.experiment.framework,
            framework_version=self.model.version,
            gradclip=gradclip.__version__,
            python=platform.python_version(),
            device=self.model.device,
            parameters=self.parameters,
            policy=self.experiment.clip if self.experiment.policy else None,
            seed=self.experiment.seed,
        )

    def steps(self) -> Iterator[StepRecord]:
        """Train, yielding a record of each step once it is done.

        Yields:
            The records, `num_steps` of them.

        Raises:
            NonFiniteGradientError: Ten steps in a row had to be dropped. The tenth is yielded
                before.
        """
        data, experiment = self._data, self.experiment
        order = batches(len(data.train_images), experiment.batch_size, seed=experiment.seed)
        start = time.perf_counter()
        skipped = 0
        for step, batch in enumerate(islice(order, self.num_steps)):
            images = self._scaled(data.train_images[batch])
            before = self.model.weights() if step % UPDATES_EVERY == 0 else None
            measure = self.model.step(images, data.train_labels[batch])
            record = self._record(step, time.perf_counter() - start, measure)
            if before is not None:
                record = with_update(record, before, self.model.weights())
            self._observation.add(record)
            yield record
            skipped = skipped + 1 if measure.skipped else 0
            _refuse_endless_skipping(step, skipped)

    def evaluate(self) -> float:
        """Return the share of the test images that are classified rightly now, in [0, 1]."""
        images, labels = self._data.test_images, self._data.test_labels
        self._test_accuracy = self.model.evaluate(self._scaled(images), labels)
        return self._test_accuracy

    def summary(self) -> dict[str, Json]:
        """Return what to keep of the steps so far.

        `test_accuracy` is None before `evaluate`. See `Observation.summary` for the rest.
        """
        return {"test_accuracy": self._test_accuracy, **self._observation.summary()}

    def _scaled(self, images: Labels) -> Images:
        return images.astype(np.float32) / np.float32(self.experiment.input_scale)

    def _record(self, step: int, seconds: float, measure: StepMeasure) -> StepRecord:
        return StepRecord(
            step=step,
            time=seconds,
            loss=measure.loss,
            accuracy=measure.accuracy,
            learning_rate=self.experiment.lr,
            global_norm_before=measure.global_norm_before,
            global_norm_after=measure.global_norm_after,
            limit=measure.limit,
            scale=measure.scale,
            skipped=measure.skipped,
            norms_before=measure.norms_before,
            norms_after=measure.norms_after,
        )


def _refuse_endless_skipping(step: int, skipped: int) -> None:
    """End a run that does not learn any more.

    Raises:
        NonFiniteGradientError: Too many steps in a row were dropped.
    """
    if skipped >= MAX_SKIPPED_IN_A_ROW:
        msg = (
            f"The gradients of {skipped} steps in a row, up to step {step}, were not finite: "
            "training has diverged. Lower the learning rate, or choose another init."
        )
        raise NonFiniteGradientError(msg)
