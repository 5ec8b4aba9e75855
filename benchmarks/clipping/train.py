"""Trains one network and keeps the few numbers that the page needs."""

import math
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from benchmarks.clipping.courses import course_of
from benchmarks.clipping.jobs import Job, policy_of
from gradclip.core.policies.report import Report
from gradclip.experiments.recurrent.learner import Learner
from gradclip.experiments.recurrent.network import draw_weights

CHECK_EVERY = 500  # steps
_NUM_POINTS = 60  # of a curve


@dataclass(kw_only=True)
class Outcome:
    """What a training came to.

    Attributes:
        steps: How many steps were made.
        solved_at: The step at which the task was solved; None if it never was.
        test_loss: The loss on sequences that were not trained on, in nats; NaN if it overflowed.
        test_error: The share of errors on them.
        clipped: How many steps had their gradients made smaller.
        skipped: How many steps were dropped.
        non_finite: How many steps had a NaN or infinite gradient norm.
        largest_norm: The greatest finite gradient norm before clipping.
        losses: The training loss, averaged over each 60th of the steps that were allowed.
    """

    steps: int = 0
    solved_at: int | None = None
    test_loss: float = math.nan
    test_error: float = math.nan
    clipped: int = 0
    skipped: int = 0
    non_finite: int = 0
    largest_norm: float = 0.0
    losses: list[float] = field(default_factory=list)

    def note(self, report: Report) -> None:
        """Count a step."""
        self.steps += 1
        self.clipped += bool(report.scale < 1 and not report.skipped)  # a NaN is not less
        self.skipped += bool(report.skipped)
        if math.isfinite(report.norm_before):
            self.largest_norm = max(self.largest_norm, float(report.norm_before))
        else:
            self.non_finite += 1


def train(job: Job) -> Outcome:
    """Train until the steps are used up or the task is solved."""
    weights, sequences, tests = np.random.default_rng(job.seed).spawn(3)
    course = course_of(job)
    drawn = draw_weights(weights, course.num_symbols, job.hidden, course.num_classes, job.init)
    learner = Learner(drawn, policy_of(job.policy), job.lr)
    outcome, losses = Outcome(), []
    with np.errstate(all="ignore"):  # overflow is one of the things to be seen here
        for batch in islice(course.batches(sequences), job.steps):
            losses.append(learner.learn(batch)[0])
            outcome.note(learner.report)
            if outcome.steps % CHECK_EVERY == 0 and course.solved(learner.weights, tests):
                outcome.solved_at = outcome.steps
                break
        outcome.test_loss, outcome.test_error = course.test(learner.weights, tests)
        outcome.losses = _averages(losses, job.steps // _NUM_POINTS)
    return outcome


def _averages(values: list[float], width: int) -> list[float]:
    """Return the means of so many values each."""
    parts = (values[start : start + width] for start in range(0, len(values), width))
    return [float(np.mean(part)) for part in parts]
