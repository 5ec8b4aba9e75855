"""Norms of large tensors, whose squares float32 adds up in rows."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import every_mode  # noqa: E402

import gradclip.tensorflow as gt  # noqa: E402 - after TensorFlow
from gradclip.tensorflow.namespace import TensorFlowNamespace  # noqa: E402

pytestmark = pytest.mark.tensorflow
SIZES = [2**17, 3 * 5 * 7 * 1009, 100_003]  # the last is a prime: no rows


def of(array):
    return float(np.sqrt(np.square(array, dtype=np.float64).sum()))


@every_mode
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [0.1, 1 / 3, 1e25, 1e-25, 1e-42])
def test_norms_are_right_at_every_scale(mode, size, scale):
    array = np.full(size, scale, np.float32)
    norm = mode(lambda t: gt.global_norm([t]) if size else t)(tf.constant(array))
    assert float(norm) == pytest.approx(of(array), rel=4e-7)


@every_mode
def test_each_norm_is_right_next_to_larger_ones(mode):
    arrays = [np.full(2**16, x, np.float32) for x in (1.0, 1e-25, 1e30, 0.0)]
    norms = mode(lambda *ts: TensorFlowNamespace().norms([*ts]))(*map(tf.constant, arrays))
    np.testing.assert_allclose(norms, [of(a) for a in arrays], rtol=4e-7)


@every_mode
def test_the_gradient_of_zeros_is_zero_and_of_others_the_direction(mode):
    def gradients(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            norm = gt.global_norm(tensors)
        return tape.gradient(norm, tensors)

    zeros, ones = tf.zeros([2**15]), tf.ones([2**16])
    assert np.allclose(mode(gradients)(zeros, ones)[1], 2.0**-8)
    assert not np.any(mode(gradients)(zeros, ones)[0])
    assert not np.any(mode(gradients)(zeros)[0])


def test_a_norm_can_be_differentiated_twice():
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            norm = gt.global_norm([x])
        first = inner.gradient(norm, x)[0]
    assert np.allclose(outer.gradient(first, x), [0.128, -0.096], rtol=1e-6)


@every_mode
@pytest.mark.parametrize("smallest", [0.0, 1.0, 1e-30])
def test_products_are_right_whatever_the_smallest_tensor_tells(mode, smallest):
    arrays = [np.full(2, smallest, np.float32), np.full(LARGE, 1e-20, np.float32)]
    factor = tf.constant(2.0**-70, tf.float64)
    scaled = mode(lambda *ts: TensorFlowNamespace().rescale([*ts], factor))(
        *map(tf.constant, arrays)
    )
    for before, after in zip(arrays, scaled, strict=True):
        wanted = (before * 2.0**-70).astype(np.float32)
        assert np.abs(after.numpy() - wanted).max() <= 2.0**-126 * (smallest == 1.0)


LARGE = 2**15
