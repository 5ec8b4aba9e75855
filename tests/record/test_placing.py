"""Tests of finding a report's parameters among a run's."""

import numpy as np
import pytest

from gradclip.errors import ConfigurationError
from gradclip.record.placing import places_of, spread


def test_another_order_and_fewer_parameters_are_found_by_name():
    assert places_of(("a", "b"), ("a", "b")) is None
    assert places_of(("b", "a"), ("a", "b")) == [1, 0]
    assert places_of(("c",), ("a", "b", "c")) == [2]


def test_names_that_say_nothing_are_taken_in_order():
    assert places_of(("0", "1"), ("a", "b")) is None
    assert places_of(("group0.param0",), ("a",)) is None


@pytest.mark.parametrize("given", [("0",), ("0", "1", "2"), ("a", "x"), ("a", "b", "x")])
def test_others_are_refused(given):
    with pytest.raises(ConfigurationError, match="of the 2 parameters that the recorder was made"):
        places_of(given, ("a", "b"))


def test_columns_keep_their_type_and_have_zeros_elsewhere():
    column = np.array([3, 4], np.float32)
    assert spread(column, None, 2) is column
    whole = spread(column, [2, 0], 4)
    assert (whole.dtype, whole.tolist()) == (np.float32, [4.0, 0.0, 3.0, 0.0])
