"""The functions on whatever backend Keras was imported with; see test_backends.py."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import gradclip.keras as clipping  # noqa: E402 - needs Keras

pytestmark = pytest.mark.keras


def close(actual, wanted):
    return np.allclose(keras.ops.convert_to_numpy(actual), wanted, rtol=1e-6)


def test_tensors_are_clipped():
    x = keras.ops.array([3.0, 4.0])
    assert close(clipping.clip_by_norm(x, 1.0), [0.6, 0.8])
    assert close(clipping.clip_by_average_norm(x, 0.5), [0.6, 0.8])
    assert close(clipping.clip_by_block_rms(x, 0.5**0.5), [0.6, 0.8])
    assert close(clipping.clip_by_value(x, 0.0, 3.5), [3.0, 3.5])
    (clipped, none), norm = clipping.clip_by_global_norm([x, None], 1.0)
    assert close(clipped, [0.6, 0.8])
    assert none is None
    assert close(norm, 5.0)
    assert close(clipping.global_norm([x]), 5.0)


def test_variables_are_tensors_and_thresholds():
    x = keras.Variable([3.0, 4.0])
    assert close(clipping.clip_by_norm(x, keras.Variable(1.0)), [0.6, 0.8])
    assert close(clipping.clip_by_value(x, 0.0, keras.Variable(3.5)), [3.0, 3.5])
    assert close(clipping.global_norm([x, None]), 5.0)


def test_units_lie_along_the_last_axis_on_every_backend():
    gradient = keras.ops.array([[3.0, 0.3], [4.0, 0.4]])
    weights = keras.ops.array([[6.0, 8.0], [8.0, 6.0]])
    assert close(clipping.adaptive_clip(gradient, weights, 0.1), [[0.6, 0.3], [0.8, 0.4]])
    assert close(clipping.adaptive_clip(gradient[0], weights[0], 1.0), [3.0, 0.3])


def test_squares_that_overflow_are_no_excuse():
    x = keras.ops.array([3e30, 4e30])
    assert close(clipping.clip_by_norm(x, 1.0), [0.6, 0.8])


def test_bad_thresholds_are_refused():
    with pytest.raises(ValueError, match="`clip_norm` must be >= 0"):
        clipping.clip_by_norm(keras.ops.array([3.0, 4.0]), -1.0)
