"""Tests of the layers' columns, and of which are shown in which order."""

import numpy as np
import pytest
from tests.watch.conftest import layers

from gradclip.watch.layers import NAME, Order, ordered


def test_the_last_step_s_columns_are_read(seen):
    columns = seen.layers.columns
    assert seen.layers.step == 11
    assert columns["before"].tolist() == [3.0, 0.0, 4.0]
    np.testing.assert_allclose(columns["after"], [0.6, 0.0, 0.8], rtol=1e-6)
    np.testing.assert_allclose(columns["scale"], [0.2, np.nan, 0.2], rtol=1e-6)
    assert columns["largest"].tolist() == [3.0, 0.0, 4.0]
    assert columns["zeros"].tolist() == [0.75, 1.0, 0.5]


def test_the_update_that_was_measured_last_stands(seen):
    np.testing.assert_allclose(seen.layers.columns["update"], [0.05] * 3, rtol=1e-6)


def test_biases_are_no_part_of_the_profile(seen):
    assert seen.layers.matrices.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("order", "places"),
    [
        (Order(), [0, 1, 2, 3]),
        (Order(key="before"), [2, 0, 3, 1]),
        (Order(key="before", rising=True), [3, 0, 2, 1]),
        (Order(key=NAME, rising=True), [3, 1, 2, 0]),
        (Order(key="zeros"), [0, 1, 2, 3]),
        (Order(search="B"), [1]),
        (Order(search="x y"), [0, 3]),
        (Order(search="nothing"), []),
    ],
)
def test_layers_are_ordered_and_searched(order, places):
    given = layers([2.0, np.nan, np.inf, 1.0], names=["xy", "b", "c", "ayx"])
    assert ordered(given, order).tolist() == places
