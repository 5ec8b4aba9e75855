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
        limit: The limit in force; None where there is none, or several.
        skipped: Whether the step was dropped, since gradients were not finite.
    """

    loss: float
    accuracy: float
    norms_before: tuple[float, ...]
    norms_after: tuple[float, ...]
    limit: float | None
    skipped: bool

    @classmethod
    def from_values(cls, values: Sequence[float]) -> Self:
        """Sort what a framework computed.

        Args:
            values: The loss, the accuracy, the limit, whether the step is to be dropped, the
                norms before, the norms after.

        Returns:
            The measure.

        Example:
            >>> nan = float("nan")
            >>> measure = StepMeasure.from_values([2.0, 0.1, 15.0, 1.0, 3.0, nan, 0.0, 0.0])
            >>> measure.skipped, measure.norms_before, measure.norms_after
            (True, (3.0, nan), (0.0, 0.0))
        """
        loss, accuracy, limit, skipped, *norms = map(float, values)
        return cls(
            loss=loss,
            accuracy=accuracy,
            norms_before=tuple(norms[: len(norms) // 2]),
            norms_after=tuple(norms[len(norms) // 2 :]),
            limit=limit if math.isfinite(limit) else None,
            skipped=bool(skipped),
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
