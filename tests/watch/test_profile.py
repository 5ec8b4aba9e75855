"""Tests of the layers' bars."""

import numpy as np
import pytest
from tests.watch.conftest import layers

from gradclip.watch.chart import CROSS, Size
from gradclip.watch.profile import bars, profile

PLAIN = Size(width=40, height=10, plain=True)


def test_a_bar_is_as_long_as_the_norm_s_logarithm():
    lines = profile(layers([0.1, 1.0, 10.0]), PLAIN).plain.split("\n")
    assert [line.count("#") for line in lines] == [8, 17, 25]
    assert [line.split()[-1] for line in lines] == ["0.1", "1", "10"]


def test_zero_has_no_bar_and_nan_is_marked():
    lines = profile(layers([0.0, np.nan, 1.0]), PLAIN).plain.split("\n")
    assert [line.count("#") for line in lines[:2]] == [0, 0]
    assert [line.split()[-1] for line in lines[:2]] == ["0", CROSS]


def test_thousands_of_layers_are_grouped_and_the_extremes_of_each_group_are_seen():
    norms = np.ones(2000)
    norms[[250, 1999]] = 1e-6, 1e3
    found = bars(layers(norms), 10)
    assert [bar.name for bar in found][:2] == ["layer0…", "layer200…"]
    assert [bar.low for bar in found] == [1, 1e-6, *[1] * 8]
    assert [bar.high for bar in found] == [*[1] * 9, 1e3]


@pytest.mark.parametrize("size", [Size(width=22, height=1), Size(width=60, height=30)])
@pytest.mark.parametrize("norms", [[1.0], [0.0], [np.nan], [1e-40, 1e30], np.ones(2000)])
def test_it_is_never_larger_than_its_room(size, norms):
    lines = profile(layers(norms), size).plain.split("\n")
    assert len(lines) == min(size.height, len(norms))
    assert all(len(line) <= size.width for line in lines)
