"""The optimizer on whatever backend Keras was imported with; see test_backends.py."""

import math

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from gradclip.errors import ConfigurationError, NonFiniteGradientError  # noqa: E402
from gradclip.keras import Optimizer, clip_by_global_norm  # noqa: E402 - needs Keras

BACKEND = keras.backend.backend()
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate"),
]
MAKERS = {
    "sgd": lambda **options: keras.optimizers.SGD(1.0, **options),
    "momentum": lambda **options: keras.optimizers.SGD(1.0, momentum=0.9, **options),
    "adam": lambda **options: keras.optimizers.Adam(0.1, **options),
}
every_optimizer = pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))


def half_squares(variable, factor=1.0):
    """A loss whose gradient is the variable."""
    return lambda: keras.ops.sum(keras.ops.square(variable)) / 2 * factor


def sgd(**options):
    return Optimizer(keras.optimizers.SGD(1.0), **options)


def tensor(*entries):
    return keras.ops.array(entries, dtype="float32")


@every_optimizer
def test_the_two_methods_step_as_the_optimizer_itself_does(make):
    ours, theirs = keras.Variable([3.0, 4.0]), keras.Variable([3.0, 4.0])
    wrapper, plain = Optimizer(make()), make()
    for _ in range(3):
        wrapper.apply_gradients(wrapper.compute_gradients(half_squares(ours), [ours]))
        plain.apply([keras.ops.copy(theirs.value)], [theirs])
    assert np.allclose(keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(theirs))


@pytest.mark.parametrize(
    "clip",
    ["norm=1", "agc=0.2", lambda gradients: clip_by_global_norm(gradients, 1.0)[0]],
    ids=["norm", "agc", "function"],
)
def test_gradients_are_clipped_when_applied(clip):
    weight = keras.Variable([3.0, 4.0])
    optimizer = sgd(clip=clip)
    pairs = optimizer.compute_gradients(half_squares(weight), [weight])
    assert np.allclose(keras.ops.convert_to_numpy(pairs[0][0]), [3.0, 4.0])
    optimizer.apply_gradients(pairs)
    assert np.allclose(weight.numpy(), [2.4, 3.2])


def test_keras_own_clipping_and_ours_agree():
    ours, theirs = keras.Variable([3.0, 4.0]), keras.Variable([3.0, 4.0])
    other, another = keras.Variable([12.0]), keras.Variable([12.0])
    gradients = [tensor(3.0, 4.0), tensor(12.0)]
    sgd(clip="global-norm=6.5").apply(gradients, [ours, other])
    keras.optimizers.SGD(1.0, global_clipnorm=6.5).apply(gradients, [theirs, another])
    assert np.allclose(ours.numpy(), theirs.numpy())
    assert np.allclose(other.numpy(), another.numpy())


def test_a_bad_step_changes_nothing_but_the_counts():
    weight = keras.Variable([3.0, 4.0])
    global_step = keras.Variable(0, dtype="int32", trainable=False)
    optimizer = Optimizer(MAKERS["momentum"](), clip="norm=1", max_skipped=2)
    optimizer.apply_gradients(optimizer.compute_gradients(half_squares(weight), [weight]))
    before = [v.numpy() for v in (weight, *optimizer.variables)]
    bad = optimizer.compute_gradients(half_squares(weight, math.nan), [weight])
    assert optimizer.apply_gradients(bad, global_step) is None
    for old, new in zip(before, (weight, *optimizer.variables), strict=True):
        assert np.array_equal(old, new.numpy())
    assert (optimizer.skipped_steps, optimizer.skipped_in_a_row) == (1, 1)
    assert int(global_step.numpy()) == 0
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        optimizer.apply_gradients(bad)
    optimizer.minimize(half_squares(weight), global_step, [weight])
    assert optimizer.skipped_in_a_row == 0
    assert int(global_step.numpy()) == 1


def test_large_gradients_are_not_taken_for_infinite_ones():
    weight = keras.Variable([3.0, 3.0])  # of a gradient whose norm float32 cannot hold
    optimizer = sgd(clip="norm=1")
    optimizer.apply([tensor(3e38, 3e38)], [weight])
    assert optimizer.skipped_steps == 0
    assert np.allclose(weight.numpy(), 3 - 0.5**0.5)


def test_bad_gradients_are_named_by_their_variables():
    good, bad = keras.Variable([1.0], name="good"), keras.Variable([1.0], name="bad")
    with pytest.raises(NonFiniteGradientError, match="NaN or inf in bad"):
        sgd(nonfinite="raise").apply([tensor(1.0), tensor(math.nan)], [good, bad])


def test_zero_drops_the_bad_gradients_alone():
    good, bad = keras.Variable([1.0]), keras.Variable([1.0])
    sgd(nonfinite="zero").apply([tensor(1.0), tensor(math.nan)], [good, bad])
    assert (float(good.numpy()[0]), float(bad.numpy()[0])) == (0.0, 1.0)


def test_the_gradient_of_what_follows_multiplies():
    weight = keras.Variable([3.0])
    pairs = sgd().compute_gradients(half_squares(weight), [weight], grad_loss=keras.ops.array(2.0))
    assert np.allclose(keras.ops.convert_to_numpy(pairs[0][0]), [6.0])


def test_what_the_loss_assigns_is_kept():
    weight, calls = keras.Variable([3.0]), keras.Variable(0.0, trainable=False)

    def loss():
        calls.assign(calls + 1.0)
        return keras.ops.sum(weight)

    sgd().compute_gradients(loss, [weight])
    assert float(calls.numpy()) == 1.0


@pytest.mark.skipif(BACKEND == "tensorflow", reason="the tape knows the variables")
def test_variables_are_those_the_optimizer_was_built_with():
    weight = keras.Variable([3.0])
    optimizer = sgd()
    with pytest.raises(ConfigurationError, match="`var_list` must name the variables"):
        optimizer.compute_gradients(half_squares(weight))
    optimizer.build([weight])
    ((_, variable),) = optimizer.compute_gradients(half_squares(weight))
    assert variable is weight


def test_arguments_of_tensorflow_1_are_refused():
    with pytest.raises(ConfigurationError, match="has a meaning for tf"):
        sgd().compute_gradients(lambda: 1.0, [], aggregation_method=1)


def test_the_rest_is_the_optimizers():
    optimizer = sgd()
    optimizer.learning_rate = 0.5
    assert float(optimizer.optimizer.learning_rate.numpy()) == 0.5
    assert optimizer.get_config()["learning_rate"] == 0.5


def test_optimizers_that_scale_losses_are_refused():
    with pytest.raises(ConfigurationError, match="inner_optimizer"):
        Optimizer(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0)))


def test_a_model_is_trained():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 3)).astype("float32")
    targets = inputs @ np.array([[1.0], [-2.0], [0.5]], "float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    optimizer = Optimizer(keras.optimizers.SGD(0.1), clip="global-norm=1")

    def loss():
        return keras.ops.mean(keras.ops.square(keras.ops.subtract(model(inputs), targets)))

    def value():
        return float(keras.ops.convert_to_numpy(loss()))

    first = value()
    for _ in range(60):
        optimizer.minimize(loss, var_list=model.trainable_variables)
    assert value() < first / 100
