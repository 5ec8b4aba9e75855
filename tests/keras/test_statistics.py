"""Statistics of tensors of Keras' current backend, and the clipper's."""

import math

import pytest

keras = pytest.importorskip("keras")

import gradclip.keras as gk  # noqa: E402 - after Keras

pytestmark = pytest.mark.keras


def listed(column):
    return keras.ops.convert_to_numpy(column).tolist()


def test_all_four_of_each_tensor():
    tensors = [[3.0, 0.0, -4.0], [1.0, math.inf], [[-0.0]]]
    variable = keras.Variable([6.0, 8.0])
    seen = gk.gradient_statistics([*map(keras.ops.array, tensors), None, variable])
    assert listed(seen.global_norm) == math.inf
    assert [listed(column) for column in seen[1:]] == [
        [5.0, math.inf, 0.0, 0.0, 10.0],
        [4.0, math.inf, 0.0, 0.0, 8.0],
        [0, 1, 0, 0, 0],
        [1, 0, 1, 0, 0],
    ]


def test_a_clipper_reports_them_as_they_came():
    clipper = gk.Clipper("global-norm=1", statistics=True)
    for factor in (1.0, 2.0):
        clipper([keras.ops.array([3.0, 0.0, -4.0]) * factor, None])
    seen = clipper.report.statistics
    assert listed(seen.global_norm) == 10.0
    columns = [listed(column) for column in seen[1:]]
    assert columns == [[10.0, 0.0], [8.0, 0.0], [0, 0], [1, 0]]
    assert all(isinstance(count, int) for column in columns[2:] for count in column)


def test_they_are_told_only_if_somebody_asks():
    clipper = gk.Clipper("global-norm=1")
    clipper([keras.ops.array([3.0])])
    assert clipper.report.statistics is None
