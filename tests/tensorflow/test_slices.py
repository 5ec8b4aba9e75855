import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import every_mode  # noqa: E402

from gradclip.tensorflow import slices  # noqa: E402 - needs TensorFlow

pytestmark = pytest.mark.tensorflow


def merged(values, indices, mode=lambda function: function):
    def merge(values, indices):
        return slices.merge_in_place(tf.IndexedSlices(values, indices)).values

    return mode(merge)(tf.constant(values), tf.constant(indices, tf.int64)).numpy()


@every_mode
def test_the_first_row_of_an_index_carries_the_sum(mode):
    values = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32)
    assert merged(values, [9, 2, 9, 0], mode).tolist() == [[6, 8], [3, 4], [0, 0], [7, 8]]


@every_mode
def test_rows_that_occur_once_keep_their_bits(mode):
    values = np.array([1e-40, 1.0, 1.0], np.float32)
    result = merged(values, [4, 1, 1], mode)
    assert result[:1].tobytes() == values[:1].tobytes()
    assert result[1:].tolist() == [2.0, 0.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.complex64])
def test_sums_have_the_type_of_the_rows(dtype):
    result = merged(np.array([1, 2, 3], dtype), [0, 0, 0])
    assert result.dtype == dtype
    assert result.tolist() == [6, 0, 0]


@every_mode
def test_no_rows_are_no_trouble(mode):
    assert merged(np.zeros((0, 3), np.float32), [], mode).shape == (0, 3)


def test_indices_and_shape_stay():
    shape = tf.constant([5], tf.int64)
    before = tf.IndexedSlices(tf.constant([1.0, 2.0]), tf.constant([3, 3]), shape)
    after = slices.merge_in_place(before)
    assert after.indices.numpy().tolist() == [3, 3]
    assert after.dense_shape is shape
    assert tf.convert_to_tensor(after).numpy().tolist() == [0, 0, 0, 3, 0]
