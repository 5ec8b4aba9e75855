"""Steps that each backend's own compiler compiles."""

import importlib
import math

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.keras.models import compiled, data, same, values  # noqa: E402

import gradclip  # noqa: E402 - after Keras
from gradclip.keras import ClippedOptimizer, Clipper  # noqa: E402

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.keras
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="another backend")
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="another backend")


def half_squares(weight):
    return keras.ops.sum(keras.ops.square(weight)) / 2


# ------------------------------------------------------------------ TensorFlow
@on_tensorflow
@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("built", [False, True], ids=["inside", "before"])
def test_a_function_steps_and_skips(xla, built):
    tf = importlib.import_module("tensorflow")
    weight = keras.Variable([3.0, 4.0])
    optimizer = ClippedOptimizer(keras.optimizers.Adam(0.1), gradclip.GlobalNorm(1.0))
    if built:
        optimizer.build([weight])

    @tf.function(jit_compile=xla)
    def step(factor):
        with tf.GradientTape() as tape:
            loss = half_squares(weight) * factor
        gradients = tape.gradient(loss, [weight])
        optimizer.apply_gradients(zip(gradients, [weight], strict=True))

    step(tf.constant(1.0))
    held = [weight, *optimizer.inner_optimizer.variables]
    before = values(held)
    step(tf.constant(math.nan))
    assert same(before, values(held))
    assert optimizer.skipped_steps == 1
    step(tf.constant(1.0))
    assert int(optimizer.iterations) == 2
    assert not bool(optimizer.report.skipped)


@on_tensorflow
def test_a_function_raises_when_it_skips_too_often():
    tf = importlib.import_module("tensorflow")
    weight = keras.Variable([3.0])
    optimizer = ClippedOptimizer("sgd", "norm=1", max_skipped=2)
    step = tf.function(lambda g: optimizer.apply([g], [weight]))
    step(tf.constant([math.nan]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="At most 2 steps in a row"):
        step(tf.constant([math.nan]))


@on_tensorflow
def test_a_checkpoint_holds_the_policy(tmp_path):
    tf = importlib.import_module("tensorflow")

    def run(optimizer, weight, norms):
        for norm in norms:
            optimizer.apply([tf.constant([norm])], [weight])

    def fresh():
        weight = keras.Variable([3.0])
        return ClippedOptimizer(keras.optimizers.Adam(0.1), gradclip.ZClip(warmup=2)), weight

    (first, one), (second, other) = fresh(), fresh()
    run(first, one, [1.0, 1.1, 0.9, 5.0])
    path = tf.train.Checkpoint(optimizer=first, weight=one).write(str(tmp_path / "saved"))
    second.build([other])
    tf.train.Checkpoint(optimizer=second, weight=other).read(path).assert_consumed()
    for each, weight in ((first, one), (second, other)):
        run(each, weight, [9.0, math.nan])
    assert same(values([one, *first.variables]), values([other, *second.variables]))


@on_tensorflow
def test_embeddings_are_trained_by_sparse_gradients():
    tf = importlib.import_module("tensorflow")
    table = keras.Variable(np.ones((4, 2), "float32"))
    optimizer = ClippedOptimizer(keras.optimizers.SGD(1.0), gradclip.GlobalNorm(1.0))
    slices = tf.IndexedSlices(tf.constant([[3.0, 0.0], [0.0, 4.0]]), [1, 3], [4, 2])
    optimizer.apply([slices], [table])
    assert np.allclose(table.numpy(), [[1, 1], [0.4, 1], [1, 1], [1, 0.2]])


# ------------------------------------------------------------------ JAX
@on_jax
@pytest.mark.parametrize("policy", ["global-norm=1", "zclip", "spam"])
def test_stateless_apply_is_compiled(policy):
    jax = importlib.import_module("jax")
    weight, other = keras.Variable([3.0, 4.0]), keras.Variable([3.0, 4.0])
    compiled_one, eager = (ClippedOptimizer(keras.optimizers.Adam(0.1), policy) for _ in range(2))
    compiled_one.build([weight])
    step = jax.jit(lambda state, g, w: compiled_one.stateless_apply(state, [g], [w]))
    state = [v.value for v in compiled_one.variables]
    (now,) = [weight.value]
    for factor in (1.0, math.nan, 2.0):
        gradient = keras.ops.array([3.0, 4.0]) * factor
        (now,), state = step(state, gradient, now)
        eager.apply([gradient], [other])
    assert np.allclose(now, other.numpy(), rtol=1e-6)
    pairs = zip(state, values(eager.variables), strict=True)
    assert all(np.allclose(a, b, rtol=1e-6, equal_nan=True) for a, b in pairs)


@on_jax
def test_a_clipper_is_carried_through_compiled_steps():
    jax = importlib.import_module("jax")
    clipper = Clipper(gradclip.AutoClip(percentile=0.0))
    clipper.build([keras.ops.zeros((2,))])

    @jax.jit
    def step(state, gradient):
        with keras.StatelessScope(list(zip(clipper.variables, state, strict=True))) as scope:
            (clipped,) = clipper([gradient])
            norm = clipper.report.norm_before
        return clipped, norm, [scope.get_current_value(v) for v in clipper.variables]

    state = [v.value for v in clipper.variables]
    norms = []
    for norm in (2.0, 4.0, 1.0, 4.0):
        clipped, before, state = step(state, keras.ops.array([0.0, norm]))
        norms.append(float(clipped[1]))
        assert float(before) == norm
    assert np.allclose(norms, [2.0, 2.0, 1.0, 1.0])


# ------------------------------------------------------------------ all
@pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate")
@pytest.mark.parametrize("jit", [False, True])
def test_fit_is_the_same_compiled_or_not(jit):
    if jit and BACKEND == "torch":
        pytest.skip("torch.compile takes a minute, and Keras does not ask for it by itself")
    network = compiled(
        ClippedOptimizer(keras.optimizers.SGD(0.1), gradclip.ZClip(warmup=2)), jit_compile=jit
    )
    inputs, targets = data()
    inputs[20] *= 1e3
    network.fit(inputs, targets, epochs=2, batch_size=4, verbose=0, shuffle=False)
    assert all(np.isfinite(v).all() for v in values(network.trainable_variables))
    assert int(network.optimizer.iterations) == 16
