"""What a framework's network offers: one step, an evaluation, its weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.experiments.experiment import Experiment

Images = NDArray[np.float32]  # (N, 784), scaled
Labels = NDArray[np.uint8]  # (N,), the classes


@dataclass(frozen=True, kw_only=True, slots=True)
class StepMeasure:
    """What one step measured, on the host.

    Attributes:
        loss: The batch's loss before the step.
        accuracy: The share of the batch that was classified rightly before the step.
        norms_before: Each parameter's gradient norm before clipping.
        norms_after: Each parameter's gradient norm after clipping; zeros if skipped.
        skipped: Whether the step was dropped, since gradients were not finite.
    """

    loss: float
    accuracy: float
    norms_before: tuple[float, ...]
    norms_after: tuple[float, ...]
    skipped: bool

    @classmethod
    def from_values(cls, values: Sequence[float], experiment: Experiment) -> Self:
        """Sort what a framework computed, and decide whether to drop the step.

        Where gradclip clips, non-finite gradients drop the step. Where nothing clips, or the
        framework's own function, they take their course: that is what is to be seen.

        Args:
            values: The loss, the accuracy, the norms before, the norms after.
            experiment: What is trained.

        Returns:
            The measure.

        Example:
            >>> nan = float("nan")
            >>> measure = StepMeasure.from_values([2.0, 0.1, 3.0, nan, nan, nan], Experiment())
            >>> measure.skipped, measure.norms_before, measure.norms_after
            (True, (3.0, nan), (0.0, 0.0))
        """
        loss, accuracy, *norms = values
        before, after = norms[: len(norms) // 2], norms[len(norms) // 2 :]
        guarded = experiment.clipper == "gradclip" and experiment.clipping is not None
        skipped = guarded and not all(map(math.isfinite, before))
        return cls(
            loss=loss,
            accuracy=accuracy,
            norms_before=tuple(before),
            norms_after=(0.0,) * len(after) if skipped else tuple(after),
            skipped=skipped,
        )

    @property
    def global_norm_before(self) -> float:
        """The norm of all gradients as one vector, before clipping."""
        return _global_norm(self.norms_before)

    @property
    def global_norm_after(self) -> float:
        """The norm of all gradients as one vector, after clipping."""
        return _global_norm(self.norms_after)

    @property
    def scale(self) -> float:
        """The norm after over the norm before: exactly 1 where clipping changed nothing."""
        before, after = self.global_norm_before, self.global_norm_after
        return after / before if before != after else 1.0


def _global_norm(norms: tuple[float, ...]) -> float:
    """Return the norm of the whole; NaN if any part is, even beside an infinite one."""
    return math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)


class Model(Protocol):
    """A network in one framework, built from NumPy weights."""

    version: str  # the framework's
    device: str  # where it computes

    def __init__(self, experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> None:
        """Take over the weights, (inputs, outputs) and biases by turns."""

    def step(self, images: Images, labels: Labels) -> StepMeasure:
        """Measure, clip and apply the gradients of one batch."""

    def evaluate(self, images: Images, labels: Labels) -> float:
        """Return the share of images that are classified rightly, in [0, 1]."""

    def weights(self) -> list[NDArray[np.float32]]:
        """Return copies of the weights in the form that they came in."""
