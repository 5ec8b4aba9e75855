"""What recurrent networks are trained on."""

from itertools import islice

import numpy as np
import pytest

from gradclip.errors import ConfigurationError
from gradclip.experiments.recurrent.tasks import CLASSES, SYMBOLS, Text, draw_temporal_order


@pytest.mark.parametrize("length", [5, 10, 37, 100])
def test_two_symbols_count_and_stand_where_they_should(length):
    batch = draw_temporal_order(np.random.default_rng(0), length, 500)
    relevant = batch.inputs < 2
    assert (relevant.sum(1) == 2).all()
    early, late = np.array([np.flatnonzero(row) for row in relevant]).T
    assert (early.min(), early.max()) == (length // 10, 2 * length // 10)
    assert (late.min(), late.max()) == (4 * length // 10, 5 * length // 10)


def test_the_class_is_their_order():
    batch = draw_temporal_order(np.random.default_rng(1), 20, 200)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        assert "".join(SYMBOLS[i] for i in row if i < 2) == CLASSES[target]
    assert set(batch.targets) == {0, 1, 2, 3}
    assert set(np.unique(batch.inputs)) == set(range(6))


def test_a_sequence_has_room_for_both():
    with pytest.raises(ConfigurationError, match="at least 5"):
        draw_temporal_order(np.random.default_rng(0), 4, 1)


def test_a_character_is_followed_by_its_target():
    text = Text()
    for batch in islice(text.batches(np.random.default_rng(0), 30, 4), 3):
        assert batch.inputs.shape == batch.targets.shape == (4, 30)
        assert np.array_equal(batch.inputs[:, 1:], batch.targets[:, :-1])
        line = "".join(text.characters[i] for i in batch.inputs[0])
        assert line.isprintable() or "\n" in line
