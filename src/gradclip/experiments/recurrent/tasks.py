"""What recurrent networks are trained on: the temporal-order problem, and English text."""

import importlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gradclip.errors import ConfigurationError
from gradclip.experiments.recurrent.network import Symbols

SYMBOLS = "ABcdef"
CLASSES = ("AA", "AB", "BA", "BB")
_RELEVANT = 2  # symbols that count: A and B


class Sequences(NamedTuple):
    """A batch of sequences and what is to be said of them."""

    inputs: Symbols  # (B, L)
    targets: Symbols  # (B,): a class for each sequence; (B, L): one after each symbol


def draw_temporal_order(rng: np.random.Generator, length: int, batch_size: int) -> Sequences:
    """Draw sequences of the temporal-order problem.

    All symbols are drawn from c, d, e and f, but for two: A or B at a place in [L/10, 2L/10], and
    A or B at one in [4L/10, 5L/10]. After the last symbol the network has to say which two it saw
    in which order, one of four classes.

    Args:
        rng: What they are drawn from.
        length: L, at least 5, so that the two places differ.
        batch_size: B.

    Returns:
        Symbols (B, L) as places in `SYMBOLS`, and classes (B,) as places in `CLASSES`.

    Raises:
        ConfigurationError: The length is too small.

    Example:
        >>> batch = draw_temporal_order(np.random.default_rng(0), length=10, batch_size=1)
        >>> "".join(SYMBOLS[i] for i in batch.inputs[0]), CLASSES[batch.targets[0]]
        ('feBddBcccf', 'BB')

    References:
        Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*,
        2013, arXiv:1211.5063, section 4.1.1; Hochreiter and Schmidhuber, *Long short-term memory*,
        1997, task 6a.
    """
    if length < 5:  # noqa: PLR2004 - 2L/10 and 4L/10 differ then
        msg = f"`length` must be at least 5, so that the two symbols have places, got {length!r}."
        raise ConfigurationError(msg)
    inputs = rng.integers(_RELEVANT, len(SYMBOLS), size=(batch_size, length))
    first, second = rng.integers(0, _RELEVANT, size=(2, batch_size))
    rows = np.arange(batch_size)
    early = rng.integers(length // 10, 2 * length // 10 + 1, size=batch_size)
    late = rng.integers(4 * length // 10, 5 * length // 10 + 1, size=batch_size)
    inputs[rows, early], inputs[rows, late] = first, second
    return Sequences(inputs, 2 * first + second)


class Text:
    """English text by its characters: the topics that Python's `help()` shows.

    It comes with Python itself and is under the PSF license. Its length differs a little from
    version to version of Python.

    Attributes:
        characters: The characters that occur, in order.
        symbols: The text as places in `characters`.

    Example:
        >>> text = Text()
        >>> text.symbols.size > 100_000, 80 < len(text.characters) < 200
        (True, True)
    """

    def __init__(self) -> None:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        text = "\n".join(topics[name] for name in sorted(topics))
        self.characters = "".join(sorted(set(text)))
        places = {character: i for i, character in enumerate(self.characters)}
        self.symbols = np.array([places[character] for character in text])

    def batches(
        self, rng: np.random.Generator, length: int, batch_size: int
    ) -> Iterator[Sequences]:
        """Draw windows of the text for ever, each character's target the next one.

        Yields:
            Symbols and targets, both (B, L).
        """
        places = np.arange(length)
        while True:
            starts = rng.integers(0, self.symbols.size - length - 1, size=(batch_size, 1))
            yield Sequences(self.symbols[starts + places], self.symbols[starts + places + 1])
