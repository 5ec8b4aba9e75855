import ml_dtypes
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import every_mode  # noqa: E402

from gradclip.tensorflow import bits  # noqa: E402 - needs TensorFlow

pytestmark = pytest.mark.tensorflow

NUMBERS = [0.0, 1e-45, -1e-45, 3e-39, -1.1e-38, 1.2e-38, 1.0, -3e38, np.inf, -np.inf]
types = pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])


@every_mode
@types
def test_float64_holds_every_number_exactly(mode, dtype):
    array = np.array(NUMBERS).astype(dtype)
    assert np.array_equal(mode(bits.decode)(tf.constant(array)).numpy(), array.astype(np.float64))


@every_mode
@types
def test_what_went_to_float64_comes_back(mode, dtype):
    array = np.array(NUMBERS).astype(dtype)
    back = mode(lambda x: bits.encode(bits.decode(x), x.dtype))(tf.constant(array))
    assert back.numpy().tobytes() == array.tobytes()


@every_mode
@types
def test_denormal_results_are_rounded_to_the_nearest(mode, dtype):
    wide = np.random.default_rng(0).uniform(-2e-38, 2e-38, 1000)
    rounded = mode(lambda x: bits.encode(x, tf.as_dtype(dtype)))(tf.constant(wide)).numpy()
    step = 2.0**-149 if dtype == np.float32 else 2.0**-133
    errors = np.abs(rounded.astype(np.float64) - wide)
    assert np.all(errors <= np.maximum(step, np.abs(wide) * step * 2.0**126) / 2)


@every_mode
def test_nan_stays_nan(mode):
    assert np.isnan(mode(bits.decode)(tf.constant([np.nan])).numpy()).all()
    wide = tf.constant([np.nan], tf.float64)
    assert np.isnan(mode(lambda x: bits.encode(x, tf.float32))(wide).numpy()).all()


@every_mode
def test_denormal_numbers_are_compared(mode):
    x = tf.constant(np.array([-1e-40, 0.0, -0.0, 1e-45, np.nan, 1.0], np.float32))
    less = mode(lambda x: bits.less(x, tf.zeros_like(x)))(x)
    assert less.numpy().tolist() == [True, False, False, False, False, False]
    greater = mode(lambda x: bits.less(tf.zeros_like(x), x))(x)
    assert greater.numpy().tolist() == [False, False, False, True, False, True]


def test_gradients_pass_as_through_casts():
    x = tf.constant([1.0, 1e-40])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = bits.encode(bits.decode(x) * 3.0, tf.float32)
    assert tape.gradient(y, x).numpy().tolist() == [3.0, 3.0]


def test_gradients_of_a_choice_go_to_what_was_chosen():
    x, y = tf.constant(2.0), tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        chosen = bits.select(tf.constant([True, False]), x, y)
    gradients = tape.gradient(chosen, [x, y])
    assert chosen.numpy().tolist() == [2.0, 4.0]
    assert [g.numpy().tolist() for g in gradients] == [1.0, [0.0, 1.0]]
