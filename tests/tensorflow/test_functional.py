"""What TensorFlow's own tests of its clipping ask, and what its users are used to."""

import math

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import every_mode  # noqa: E402

import gradclip.tensorflow as clipping  # noqa: E402 - needs TensorFlow

pytestmark = pytest.mark.tensorflow

MATRIX = [[-3.0, 0.0, 0.0], [4.0, 0.0, 0.0]]  # of norm 5


def sliced(values=MATRIX, indices=(2, 5), rows=8):
    values = tf.constant(values)
    shape = [rows, *values.shape[1:]]
    return tf.IndexedSlices(values, tf.constant(indices), tf.constant(shape))


def close(actual, wanted):
    return np.allclose(actual, wanted, rtol=1e-6, atol=0)


# ------------------------------------------------------------------ by value
@every_mode
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_values_outside_the_interval_move_to_its_ends(mode, dtype):
    x = tf.cast([-5.0, 2.0, 3.0, 4.0, 5.0, 6.0], dtype)
    clipped = mode(lambda x: clipping.clip_by_value(x, -4.4, 4.4))(x)
    end = float(tf.cast(4.4, dtype))
    assert clipped.dtype == x.dtype
    assert close(tf.cast(clipped, tf.float64), [-end, 2, 3, 4, end, end])


@every_mode
@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_integers_have_values_too(mode, dtype):
    x = tf.cast([1, 2, 3, 4, 5], dtype)
    assert mode(lambda x: clipping.clip_by_value(x, 2, 4))(x).numpy().tolist() == [2, 2, 3, 4, 4]


@pytest.mark.parametrize("bound", [2.5, tf.constant(2.5)], ids=["number", "tensor"])
def test_integers_want_integer_bounds(bound):
    with pytest.raises(TypeError):
        clipping.clip_by_value(tf.constant([1, 2]), bound, None)


@every_mode
def test_bounds_are_broadcast(mode):
    x = tf.constant([[-5.0, 0.0, 5.0], [5.0, 2.0, -5.0]])
    clip = mode(clipping.clip_by_value)
    low, high = tf.constant([-1.0, 1.0, 2.0]), tf.constant([[3.0], [4.0]])
    assert clip(x, low, high).numpy().tolist() == [[-1, 1, 3], [4, 2, 2]]


@pytest.mark.parametrize("shape", [[2, 1, 3], [4, 3], [3, 3]])
def test_bounds_must_not_make_the_tensor_grow(shape):
    x = tf.constant([[-5.0, 0.0, 5.0], [5.0, 2.0, -5.0]])
    with pytest.raises(ValueError, match="`clip_value_min` must be broadcastable"):
        clipping.clip_by_value(x, tf.zeros(shape), 1.0)


@every_mode
def test_nan_stays_and_infinity_is_limited(mode):
    x = tf.constant([math.nan, math.inf, -math.inf])
    clipped = mode(lambda x: clipping.clip_by_value(x, -2.0, 3.0))(x)
    assert np.array_equal(clipped.numpy(), [math.nan, 3, -2], equal_nan=True)


@every_mode
def test_denormal_numbers_are_limited_too(mode):
    x = tf.constant(np.array([-1e-40, 1e-40, 3e-39], np.float32))
    clipped = mode(lambda x: clipping.clip_by_value(x, 0.0, 1e-39))(x).numpy()
    assert clipped.tolist() == np.array([0.0, 1e-40, 1e-39], np.float32).tolist()


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (-1.0, tf.constant(1.0)), (0.0, 1.0)])
def test_the_derivative_of_a_clipped_value_is_zero(limits):
    x = tf.constant([-2.0, 0.5, 1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = clipping.clip_by_value(x, *limits)
    assert tape.gradient(y, x).numpy().tolist() == [0, 1, 1, 0]


def test_the_derivative_by_a_bound_counts_what_it_limits():
    x, high = tf.constant([-2.0, 0.5, 3.0, 2.0]), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(high)
        y = clipping.clip_by_value(x, -1.0, high)
    assert float(tape.gradient(y, high)) == 2.0


def test_repeated_rows_are_summed_before_they_are_limited():
    slices = sliced([[3.0], [1.0], [3.0]], [2, 0, 2])
    clipped = clipping.clip_by_value(slices, -5.0, 5.0)
    assert isinstance(clipped, tf.IndexedSlices)
    assert tf.convert_to_tensor(clipped).numpy().ravel().tolist() == [1, 0, 5, 0, 0, 0, 0, 0]


# ------------------------------------------------------------------ by norm
@every_mode
def test_a_norm_above_the_threshold_comes_down_to_it(mode):
    clip = mode(clipping.clip_by_norm)
    assert close(clip(tf.constant(MATRIX), tf.constant(4.0)), [[-2.4, 0, 0], [3.2, 0, 0]])


@every_mode
def test_axes_clip_each_slice(mode):
    x = tf.constant([[-3.0, 0.0, 0.0], [4.0, 0.0, 3.0]])
    rows = mode(lambda x: clipping.clip_by_norm(x, 4.0, axes=[1]))(x)
    assert close(rows, [[-3, 0, 0], [3.2, 0, 2.4]])
    columns = mode(lambda x: clipping.clip_by_norm(x, 4.0, [0]))(x)
    assert close(columns, [[-2.4, 0, 0], [3.2, 0, 3]])


def test_axes_may_be_a_tensor():
    x = tf.constant([[-3.0, 0.0, 0.0], [4.0, 0.0, 3.0]])
    assert close(clipping.clip_by_norm(x, 4.0, tf.constant([1])), [[-3, 0, 0], [3.2, 0, 2.4]])


@every_mode
def test_slices_may_have_thresholds_of_their_own(mode):
    clip = mode(lambda x, limits: clipping.clip_by_norm(x, limits, axes=1))
    x = tf.constant([[3.0, 4.0], [6.0, 8.0]])
    assert close(clip(x, tf.constant([[1.0], [5.0]])), [[0.6, 0.8], [3, 4]])


def test_thresholds_must_not_make_the_tensor_grow():
    with pytest.raises(ValueError, match="`clip_norm` must be broadcastable"):
        clipping.clip_by_norm(tf.ones([2]), tf.ones([3, 2]))


@every_mode
def test_the_derivative_at_zero_is_one(mode):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = clipping.clip_by_norm(x, 1.0)
        return tape.gradient(y, x)

    assert mode(gradient)(tf.zeros([3])).numpy().tolist() == [1, 1, 1]


def test_slices_stay_sparse_and_keep_their_shape():
    clipped = clipping.clip_by_norm(sliced(), 4.0)
    assert isinstance(clipped, tf.IndexedSlices)
    assert clipped.indices.numpy().tolist() == [2, 5]
    assert clipped.dense_shape.numpy().tolist() == [8, 3]
    assert close(clipped.values, [[-2.4, 0, 0], [3.2, 0, 0]])


@every_mode
def test_repeated_rows_count_by_their_sum(mode):
    def clip(values):
        slices = sliced(MATRIX, (2, 2))
        return clipping.clip_by_norm(tf.IndexedSlices(values, slices.indices), 0.5).values

    # The rows sum to (1, 0, 0): half of it is allowed.
    assert close(mode(clip)(tf.constant(MATRIX)), [[-1.5, 0, 0], [2, 0, 0]])


def test_repeated_rows_that_are_within_the_threshold_keep_their_bits():
    slices = sliced(MATRIX, (2, 2))
    assert clipping.clip_by_norm(slices, 1.0).values.numpy().tolist() == MATRIX
    assert clipping.clip_by_norm(slices, 1.0, axes=1).values.numpy().tolist() == MATRIX


def test_rows_are_clipped_after_their_sum():
    clipped = clipping.clip_by_norm(sliced(MATRIX, (2, 2)), 0.5, axes=1)
    assert close(tf.convert_to_tensor(clipped)[2], [0.5, 0, 0])


def test_lists_and_variables_are_tensors():
    assert close(clipping.clip_by_norm([3.0, 4.0], 1), [0.6, 0.8])
    assert close(clipping.clip_by_norm(tf.Variable([3.0, 4.0]), tf.Variable(1.0)), [0.6, 0.8])


@pytest.mark.parametrize("value", [[1, 2], ["a"], tf.ragged.constant([[1.0], [2.0, 3.0]])])
def test_other_things_are_not(value):
    with pytest.raises(TypeError, match="`t` must be"):
        clipping.clip_by_norm(value, 1.0)


# ------------------------------------------------------------------ by average norm
@every_mode
def test_the_average_norm_is_the_norm_per_entry(mode):
    clip = mode(clipping.clip_by_average_norm)
    x = tf.constant(MATRIX)  # 5 / 6
    assert close(clip(x, tf.constant(0.8)), tf.compat.v1.clip_by_average_norm(x, 0.8))
    assert clip(x, tf.constant(0.9)).numpy().tolist() == MATRIX


def test_the_average_of_slices_is_that_of_the_dense_tensor():
    dense = tf.convert_to_tensor(sliced())
    clipped = clipping.clip_by_average_norm(sliced(), 0.1)
    assert close(tf.convert_to_tensor(clipped), clipping.clip_by_average_norm(dense, 0.1))


# ------------------------------------------------------------------ by global norm
@every_mode
def test_a_list_comes_down_to_a_common_norm(mode):
    x, y = tf.constant([[-2.0, 0.0, 0.0], [4.0, 0.0, 0.0]]), tf.constant([1.0, -2.0])
    (a, none, b), norm = mode(lambda x, y: clipping.clip_by_global_norm([x, None, y], 4.0))(x, y)
    assert float(norm) == 5.0
    assert none is None
    assert close(a, [[-1.6, 0, 0], [3.2, 0, 0]])
    assert close(b, [0.8, -1.6])


def test_a_known_norm_is_used():
    x = tf.constant([-2.0, 4.0, 1.0, -2.0])
    (clipped,), norm = clipping.clip_by_global_norm([x], 4.0, use_norm=tf.constant(10.0))
    assert float(norm) == 10.0
    assert close(clipped, x * 0.4)


@every_mode
def test_an_infinite_norm_gives_nan(mode):
    x = tf.constant([-2.0, math.inf])
    (a, b), norm = mode(lambda x: clipping.clip_by_global_norm([x, x * 0 + 1], 6.0))(x)
    assert not math.isfinite(norm)
    assert np.isnan(a).all()
    assert np.isnan(b).all()


def test_slices_and_tensors_share_a_norm():
    (a, b), norm = clipping.clip_by_global_norm([sliced(), tf.constant([12.0])], 6.5)
    assert float(norm) == 13.0
    assert close(a.values, [[-1.5, 0, 0], [2, 0, 0]])
    assert a.dense_shape.numpy().tolist() == [8, 3]
    assert close(b, [6.0])


@pytest.mark.parametrize("value", [tf.constant([1.0]), "abc", sliced()])
def test_a_single_tensor_is_no_list(value):
    with pytest.raises(TypeError, match="`t_list` must be a list"):
        clipping.clip_by_global_norm(value, 1.0)


# ------------------------------------------------------------------ non-finite entries
def test_bad_tensors_are_named():
    good, bad = tf.ones([2]), tf.constant([math.nan])
    with pytest.raises(FloatingPointError, match=r"NaN or inf in t_list\[1\]"):
        clipping.clip_by_global_norm([good, bad], 1.0, nonfinite="raise")


def test_bad_tensors_are_named_by_functions():
    clip = tf.function(lambda x: clipping.clip_by_value(x, 0.0, 1.0, nonfinite="raise"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or inf in t"):
        clip(tf.constant([math.nan]))


@every_mode
def test_bad_slices_alone_become_zero(mode):
    def clip(x):
        bad = tf.IndexedSlices(x * math.nan, tf.constant([0, 1]))
        (a, b), norm = clipping.clip_by_global_norm([bad, x], 1.0, nonfinite="zero")
        return a.values, b, norm

    a, b, norm = mode(clip)(tf.constant([3.0, 4.0]))
    assert a.numpy().tolist() == [0, 0]
    assert close(b, [0.6, 0.8])
    assert float(norm) == 5.0
