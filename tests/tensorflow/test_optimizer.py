import copy
import math
import re

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from tests.tensorflow.modes import every_mode  # noqa: E402

from gradclip import Norm  # noqa: E402 - after the frameworks
from gradclip.errors import ConfigurationError, NonFiniteGradientError  # noqa: E402
from gradclip.tensorflow import Optimizer, clip_by_global_norm  # noqa: E402

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="another backend"),
]

TF1 = tf.compat.v1.train
MAKERS = {
    "keras-sgd": lambda: keras.optimizers.SGD(1.0),
    "keras-momentum": lambda: keras.optimizers.SGD(1.0, momentum=0.9),
    "keras-adam": lambda: keras.optimizers.Adam(0.1),
    "tf1-sgd": lambda: TF1.GradientDescentOptimizer(1.0),
    "tf1-momentum": lambda: TF1.MomentumOptimizer(1.0, 0.9),
    "tf1-adam": lambda: TF1.AdamOptimizer(0.1),
    "tf1-rmsprop": lambda: TF1.RMSPropOptimizer(0.1, momentum=0.9),
}
every_optimizer = pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))
keras_optimizers = pytest.mark.parametrize(
    "make", [make for name, make in MAKERS.items() if name.startswith("keras")]
)
tf1_optimizers = pytest.mark.parametrize(
    "make", [make for name, make in MAKERS.items() if name.startswith("tf1")]
)


def half_squares(variable):
    """A loss whose gradient is the variable."""
    return tf.reduce_sum(tf.square(variable)) / 2


def sgd(**options):
    return Optimizer(keras.optimizers.SGD(1.0), **options)


# ------------------------------------------------------------------ one method after the other
@every_optimizer
def test_the_two_methods_step_as_the_optimizer_itself_does(make):
    ours, theirs = tf.Variable([3.0, 4.0]), tf.Variable([3.0, 4.0])
    wrapper, plain = Optimizer(make()), make()
    for _ in range(3):
        wrapper.apply_gradients(wrapper.compute_gradients(lambda: half_squares(ours), [ours]))
        plain.apply_gradients([(tf.convert_to_tensor(theirs), theirs)])
    assert ours.numpy().tolist() == theirs.numpy().tolist()


@pytest.mark.parametrize(
    "clip",
    ["global-norm=1", Norm(1.0), lambda gradients: clip_by_global_norm(gradients, 1.0)[0]],
    ids=["text", "clipping", "function"],
)
@pytest.mark.parametrize("make", [MAKERS["keras-sgd"], MAKERS["tf1-sgd"]])
def test_gradients_are_clipped_when_applied(make, clip):
    weight = tf.Variable([3.0, 4.0])
    optimizer = Optimizer(make(), clip=clip)
    pairs = optimizer.compute_gradients(lambda: half_squares(weight), [weight])
    assert pairs[0][0].numpy().tolist() == [3.0, 4.0]
    optimizer.apply_gradients(pairs)
    assert np.allclose(weight, [2.4, 3.2])


def test_gradients_may_be_clipped_between_the_methods():
    weight = tf.Variable([3.0, 4.0])
    optimizer = sgd()
    gradients, variables = zip(
        *optimizer.compute_gradients(lambda: half_squares(weight)), strict=True
    )
    clipped, _ = clip_by_global_norm(gradients, 1.0)
    optimizer.apply_gradients(zip(clipped, variables, strict=True))
    assert np.allclose(weight, [2.4, 3.2])


def test_units_are_clipped_by_their_weights():
    weight = tf.Variable([3.0, 4.0])
    optimizer = sgd(clip="agc=0.1")
    optimizer.apply_gradients([(tf.constant([3.0, 4.0]), weight)])
    assert np.allclose(weight, [2.7, 3.6])


def test_a_loss_comes_with_its_tape():
    weight, frozen = tf.Variable([3.0]), tf.Variable([1.0], trainable=False)
    with tf.GradientTape() as tape:
        loss = half_squares(weight + frozen)
    (pair,) = sgd().compute_gradients(loss, tape=tape)
    assert pair[0].numpy().tolist() == [4.0]
    assert pair[1] is weight


def test_a_loss_without_its_tape_is_refused():
    with pytest.raises(ConfigurationError, match="`loss` must be a callable, or come with"):
        sgd().compute_gradients(tf.constant(1.0), [tf.Variable(1.0)])


def test_the_gradient_of_what_follows_multiplies():
    weight = tf.Variable([3.0])
    loss = lambda: half_squares(weight)  # noqa: E731 - an argument
    ((gradient, _),) = sgd().compute_gradients(loss, [weight], grad_loss=tf.constant(2.0))
    assert gradient.numpy().tolist() == [6.0]


@pytest.mark.parametrize(
    "argument",
    [{"gate_gradients": 0}, {"aggregation_method": 2}, {"colocate_gradients_with_ops": True}],
)
def test_arguments_of_tensorflow_1_are_refused_by_keras(argument):
    with pytest.raises(ConfigurationError, match="has a meaning for tf"):
        sgd().compute_gradients(lambda: tf.constant(1.0), [], **argument)


def test_none_keeps_its_place_and_its_variable():
    weight, other = tf.Variable([3.0, 4.0]), tf.Variable([1.0])
    optimizer = sgd(clip="global-norm=1")
    pairs = optimizer.compute_gradients(lambda: half_squares(weight), [other, weight])
    assert pairs[0][0] is None
    optimizer.apply_gradients(pairs)
    assert other.numpy().tolist() == [1.0]
    assert np.allclose(weight, [2.4, 3.2])


def test_no_gradient_at_all_is_refused():
    with pytest.raises(ValueError, match="At least one gradient must not be None"):
        sgd().apply_gradients([(None, tf.Variable(1.0))])


def test_minimize_and_apply_clip_too():
    weight = tf.Variable([3.0, 4.0])
    optimizer = sgd(clip="norm=1")
    optimizer.minimize(lambda: half_squares(weight))
    optimizer.apply([tf.constant([3.0, 4.0])], [weight])
    assert np.allclose(weight, [1.8, 2.4])


def test_the_rest_is_the_optimizers():
    optimizer = sgd()
    optimizer.learning_rate = 0.5
    assert float(optimizer.optimizer.learning_rate) == 0.5
    assert optimizer.get_config()["learning_rate"] == 0.5
    assert copy.copy(optimizer).optimizer is optimizer.optimizer


def test_optimizers_that_scale_losses_are_refused():
    with pytest.raises(ConfigurationError, match="inner_optimizer"):
        Optimizer(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0)))


# ------------------------------------------------------------------ non-finite gradients
@every_mode
@keras_optimizers
def test_a_bad_step_changes_nothing_but_the_counts(mode, make):
    weight, global_step = tf.Variable([3.0, 4.0]), tf.Variable(0, dtype=tf.int64)
    optimizer = Optimizer(make(), clip="norm=1")

    def train(factor):
        pairs = optimizer.compute_gradients(lambda: half_squares(weight) * factor, [weight])
        optimizer.apply_gradients(pairs, global_step)

    step = mode(train)
    step(tf.constant(1.0))
    before = [v.numpy() for v in (weight, *optimizer.variables)]
    step(tf.constant(math.nan))
    for old, new in zip(before, (weight, *optimizer.variables), strict=True):
        assert np.array_equal(old, new.numpy())
    assert (optimizer.skipped_steps, optimizer.skipped_in_a_row) == (1, 1)
    step(tf.constant(1.0))
    assert (optimizer.skipped_steps, optimizer.skipped_in_a_row) == (1, 0)
    assert int(global_step) == int(optimizer.iterations) == 2


@tf1_optimizers
def test_a_bad_step_of_a_session_changes_nothing_but_the_counts(make):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        weight = tf.compat.v1.get_variable("weight", initializer=[3.0, 4.0])
        factor = tf.compat.v1.placeholder(tf.float32, [])
        global_step = TF1.get_or_create_global_step()
        optimizer = Optimizer(make(), clip="norm=1", max_skipped=2)
        pairs = optimizer.compute_gradients(
            half_squares(weight) * factor, gate_gradients=TF1.Optimizer.GATE_GRAPH
        )
        train = optimizer.apply_gradients(pairs, global_step)
        skipped = [optimizer.skipped_steps, optimizer.skipped_in_a_row]
        counts = re.compile("skipped|report")
        state = [v for v in tf.compat.v1.global_variables() if not counts.search(v.name)]
        assert not any("cond" in v.name for v in state)
        session.run(tf.compat.v1.global_variables_initializer())

        session.run(train, {factor: 1.0})
        before = session.run(state)
        session.run(train, {factor: math.inf})
        for old, new in zip(before, session.run(state), strict=True):
            assert np.array_equal(old, new)
        assert session.run(skipped) == [1, 1]
        with pytest.raises(tf.errors.InvalidArgumentError, match="At most 2 steps in a row"):
            session.run(train, {factor: math.nan})
        session.run(train, {factor: 1.0})
        assert session.run([global_step, *skipped]) == [2, 2, 0]


@every_optimizer
def test_ten_bad_steps_in_a_row_are_enough(make):
    weight = tf.Variable([3.0])
    optimizer = Optimizer(make())
    for _ in range(9):
        optimizer.apply_gradients([(tf.constant([math.nan]), weight)])
    with pytest.raises(NonFiniteGradientError, match="At most 10 steps in a row"):
        optimizer.apply_gradients([(tf.constant([math.nan]), weight)])
    assert weight.numpy().tolist() == [3.0]


def test_functions_assert_that_steps_are_applied():
    weight = tf.Variable([3.0])
    optimizer = sgd(max_skipped=2)
    step = tf.function(lambda g: optimizer.apply_gradients([(g, weight)]))
    step(tf.constant([math.nan]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="At most 2 steps in a row"):
        step(tf.constant([math.nan]))


def test_none_never_raises():
    weight = tf.Variable([3.0])
    optimizer = sgd(max_skipped=None)
    step = tf.function(lambda g: optimizer.apply_gradients([(g, weight)]))
    for _ in range(12):
        step(tf.constant([math.nan]))
    assert optimizer.skipped_in_a_row == 12


def test_large_gradients_are_not_taken_for_infinite_ones():
    weight = tf.Variable([3e38, 3e38])  # of a norm that float32 cannot hold
    optimizer = sgd(clip="norm=1")
    optimizer.apply_gradients([(tf.constant([3e38, 3e38]), weight)])
    assert optimizer.skipped_steps == 0


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_bad_gradients_are_named_by_their_variables(wrap):
    good, bad = tf.Variable([1.0], name="good"), tf.Variable([1.0], name="bad")
    optimizer = sgd(nonfinite="raise")
    step = wrap(lambda g: optimizer.apply_gradients([(tf.ones([1]), good), (g, bad)]))
    step(tf.constant([0.5]))
    errors = (NonFiniteGradientError, tf.errors.InvalidArgumentError)
    with pytest.raises(errors, match="NaN or inf in bad"):
        step(tf.constant([math.nan]))
    assert good.numpy().tolist() == [0.0]


def test_zero_drops_the_bad_gradients_alone():
    good, bad = tf.Variable([1.0]), tf.Variable([1.0])
    sgd(nonfinite="zero").apply_gradients([(tf.ones([1]), good), (tf.constant([math.nan]), bad)])
    assert (float(good[0]), float(bad[0])) == (0.0, 1.0)


def test_propagate_applies_what_comes():
    weight = tf.Variable([1.0])
    sgd(nonfinite="propagate").apply_gradients([(tf.constant([math.nan]), weight)])
    assert np.isnan(weight).all()


# ------------------------------------------------------------------ sparse gradients
@keras_optimizers
def test_embeddings_are_trained_by_sparse_gradients(make):
    table = tf.Variable(tf.ones([4, 2]))
    optimizer = Optimizer(make(), clip="global-norm=0.1")
    pairs = optimizer.compute_gradients(lambda: tf.reduce_sum(tf.gather(table, [1, 3, 1])), [table])
    assert isinstance(pairs[0][0], tf.IndexedSlices)
    optimizer.apply_gradients(pairs)
    assert table.numpy()[[0, 2]].tolist() == [[1, 1], [1, 1]]
    assert (table.numpy()[[1, 3]] < 1).all()
