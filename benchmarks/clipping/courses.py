"""What is learned and how it is tested, behind one face."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Protocol

import numpy as np

from benchmarks.clipping.jobs import Job
from gradclip.experiments.recurrent.network import Weights, evaluate
from gradclip.experiments.recurrent.tasks import (
    CLASSES,
    SYMBOLS,
    Sequences,
    Text,
    draw_temporal_order,
)

SOLVED = 0.01  # the share of errors below which the paper counts a run as a success
_CHUNK = 1000  # sequences that are tested together: a matter of memory
_TEST_SHARE = 0.1  # of the text, its end


class Course(Protocol):
    """Sequences to learn from, and a test."""

    num_symbols: int
    num_classes: int

    def batches(self, rng: np.random.Generator) -> Iterator[Sequences]:
        """Draw batches for ever."""

    def test(self, weights: Weights, rng: np.random.Generator) -> tuple[float, float]:
        """Return the loss, and the share of errors, on sequences that are not trained on."""

    def solved(self, weights: Weights, rng: np.random.Generator) -> bool:
        """Tell whether there is nothing more to learn."""


def course_of(job: Job) -> Course:
    """Return what a job learns."""
    return TemporalOrderCourse(job) if job.task == "temporal-order" else CharacterCourse(job)


class TemporalOrderCourse:
    """The temporal-order problem: solved below 1 % of errors in 10,000 new sequences.

    Args:
        job: The length and the batch size.
    """

    num_symbols = len(SYMBOLS)
    num_classes = len(CLASSES)
    _num_tested = 10_000

    def __init__(self, job: Job) -> None:
        self._length, self._batch_size = job.length, job.batch_size

    def batches(self, rng: np.random.Generator) -> Iterator[Sequences]:
        """Draw batches for ever."""
        while True:
            yield draw_temporal_order(rng, self._length, self._batch_size)

    def test(self, weights: Weights, rng: np.random.Generator) -> tuple[float, float]:
        """Return the loss, and the share of errors, on 10,000 new sequences."""
        chunks = self._num_tested // _CHUNK
        loss, accuracy = np.mean([self._glance(weights, rng) for _ in range(chunks)], axis=0)
        return float(loss), 1 - float(accuracy)

    def solved(self, weights: Weights, rng: np.random.Generator) -> bool:
        """Tell whether the test is passed; most are known not to pass from its first tenth."""
        glanced = 1 - self._glance(weights, rng)[1]
        return glanced < SOLVED and self.test(weights, rng)[1] < SOLVED

    def _glance(self, weights: Weights, rng: np.random.Generator) -> tuple[float, float]:
        return evaluate(weights, *draw_temporal_order(rng, self._length, _CHUNK))


class CharacterCourse:
    """English text: which character comes next, tested on the text's last tenth.

    Args:
        job: The length and the batch size.

    Attributes:
        texts: The text's beginning, for training, and its end, for testing.
    """

    def __init__(self, job: Job) -> None:
        self._length, self._batch_size = job.length, job.batch_size
        self.texts = _parts()
        self.num_symbols = self.num_classes = len(self.texts[0].characters)

    def batches(self, rng: np.random.Generator) -> Iterator[Sequences]:
        """Draw batches for ever."""
        return self.texts[0].batches(rng, self._length, self._batch_size)

    def test(self, weights: Weights, rng: np.random.Generator) -> tuple[float, float]:
        """Return the loss a character, and the share of errors, on 1,000 pieces of text."""
        loss, accuracy = evaluate(weights, *self.draw_test(rng))
        return loss, 1 - accuracy

    def draw_test(self, rng: np.random.Generator) -> Sequences:
        """Draw 1,000 pieces of the text for testing."""
        return next(self.texts[1].batches(rng, self._length, _CHUNK))

    def solved(self, weights: Weights, rng: np.random.Generator) -> bool:
        """Tell that there is always more to learn."""
        del weights, rng
        return False


@cache
def _parts() -> tuple[Text, Text]:
    """Return the text's beginning, for training, and its end, for testing."""
    train = Text()
    test = copy.copy(train)
    cut = round(train.symbols.size * (1 - _TEST_SHARE))
    train.symbols, test.symbols = train.symbols[:cut], train.symbols[cut:]
    return train, test
