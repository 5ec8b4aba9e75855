"""A recurrent network with its weights, its clipping and its plain SGD."""

from collections.abc import Iterator

import numpy as np

from gradclip.core.policies.clipper import Clipper
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.experiments.recurrent.network import Weights, differentiate
from gradclip.experiments.recurrent.tasks import Sequences
from gradclip.numpy.namespace import NumpyNamespace


class Learner:
    """Train a network batch by batch.

    Args:
        weights: Where training starts.
        policy: What clips; None for nothing, and then nothing drops bad steps either.
        lr: The learning rate.

    Attributes:
        weights: The weights now.
        report: What clipping made of the last step's gradients.
    """

    def __init__(self, weights: Weights, policy: Policy | None, lr: float) -> None:
        self.weights = weights
        self._clipper = Clipper(  # the core's: that SPAM finds no moments here needs no warning
            policy,
            nonfinite="propagate" if policy is None else "skip",
            max_skipped=None,
            xp=NumpyNamespace(),
        )
        self._lr = np.float32(lr)

    def learn(self, batch: Sequences) -> tuple[float, float]:
        """Take one step.

        Args:
            batch: What to learn from.

        Returns:
            Loss and accuracy before the step.
        """
        with np.errstate(all="ignore"):  # overflow is one of the things to be seen here
            loss, accuracy, gradients = differentiate(self.weights, *batch)
            clipped = self._clipper(list(gradients), list(self.weights), Weights._fields)
            if not self.report.skipped:
                gradients = Weights._make(clipped)
                pairs = zip(self.weights, gradients, strict=True)
                self.weights = Weights(*(w - self._lr * g for w, g in pairs))
        return loss, accuracy

    def run(self, batches: Iterator[Sequences]) -> Iterator[tuple[float, float]]:
        """Take a step for each batch.

        Yields:
            Loss and accuracy before each.
        """
        for batch in batches:
            yield self.learn(batch)

    @property
    def report(self) -> Report:
        """What clipping made of the last step's gradients."""
        report = self._clipper.report
        assert report is not None  # there was a step
        return report
