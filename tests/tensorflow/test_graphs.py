"""TF1 graphs with sessions, and how often functions are traced."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import gradclip.tensorflow as clipping  # noqa: E402 - needs TensorFlow

pytestmark = pytest.mark.tensorflow

PROGRAM = """
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
import gradclip.tensorflow as clipping
x = tf.placeholder(tf.float32, None)
clipped, norm = clipping.clip_by_global_norm([x, None], 1.0)
limit = tf.placeholder(tf.float32, [])
measured = clipping.clip_by_norm(x, limit)
gradient = tf.gradients(clipping.clip_by_norm(x, 1.0), x)[0]
v = tf.get_variable("v", initializer=[3.0, 4.0])
step = tf.train.get_or_create_global_step()
adam = clipping.Optimizer(tf.train.AdamOptimizer(0.5), clip="global-norm=1")
train = adam.apply_gradients(adam.compute_gradients(tf.reduce_sum(v * v) * x[0]), step)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    print(session.run(clipped[0], {x: [3.0, 4.0]}).tolist())
    print(session.run(gradient, {x: [0.0, 0.0]}).tolist())
    print(session.run(tf.math.is_inf(measured), {x: [float("inf")], limit: float("inf")}).all())
    for value in (1.0, float("nan"), 1.0):
        session.run(train, {x: [value]})
    print([int(n) for n in session.run([step, adam.skipped_steps])])
"""


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        yield session


def test_placeholders_of_unknown_shape_are_clipped(session):
    x = tf.compat.v1.placeholder(tf.float32, None)
    results = {
        "norm": clipping.clip_by_norm(x, 1.0),
        "axes": clipping.clip_by_norm(x, 1.0, axes=[0]),
        "value": clipping.clip_by_value(x, 0.0, 3.5),
        "average": clipping.clip_by_average_norm(x, 0.5),
        "rms": clipping.clip_by_block_rms(x, 0.5**0.5),
        "global": clipping.clip_by_global_norm([x, None], tf.constant(1.0))[0][0],
        "adaptive": clipping.adaptive_clip(x, x, 0.2),
    }
    clipped = session.run(results, {x: [3.0, 4.0]})
    assert clipped.pop("value").tolist() == [3.0, 3.5]
    for name, values in clipped.items():
        assert np.allclose(values, [0.6, 0.8], rtol=1e-6), name


def test_derivatives_are_those_of_the_projection(session):
    x = tf.compat.v1.placeholder(tf.float32, [2])
    gradient = tf.gradients(clipping.clip_by_norm(x, 1.0), x)[0]
    assert np.allclose(session.run(gradient, {x: [3.0, 4.0]}), [0.032, -0.024], rtol=1e-5)
    assert session.run(gradient, {x: [0.0, 0.0]}).tolist() == [1, 1]


def test_slices_of_an_embedding_stay_sparse(session):
    table = tf.compat.v1.get_variable("table", initializer=tf.ones([5, 2]))
    rows = tf.nn.embedding_lookup(table, [1, 3, 1])
    gradient = tf.gradients(tf.reduce_sum(rows), table)[0]
    clipped = clipping.clip_by_norm(gradient, 1.0)
    session.run(tf.compat.v1.global_variables_initializer())
    assert isinstance(clipped, tf.IndexedSlices)
    # Row 1 counts twice: 2 * 2**2 + 2 * 1**2 = 10
    assert np.allclose(session.run(clipped.values), 10**-0.5, rtol=1e-6)


def test_negative_numbers_are_refused_when_the_graph_is_built(session):
    with pytest.raises(ValueError, match="`clip_norm` must be >= 0"):
        clipping.clip_by_norm(tf.compat.v1.placeholder(tf.float32, [2]), -1.0)


def test_negative_tensors_give_nan_when_the_graph_runs(session):
    limit = tf.compat.v1.placeholder(tf.float32, [])
    clipped = clipping.clip_by_norm(tf.constant([3.0, 4.0]), limit)
    assert np.isnan(session.run(clipped, {limit: -1.0})).all()


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_assertions_run_before_the_result_is_used(session, clip_norm):
    x = tf.compat.v1.placeholder(tf.float32, [2])
    clipped, _ = clipping.clip_by_global_norm([x], clip_norm, nonfinite="raise")
    assert session.run(clipped[0], {x: [0.3, 0.4]}).tolist() == [np.float32(0.3), np.float32(0.4)]
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or inf in t_list"):
        session.run(clipped[0], {x: [math.nan, 0.0]})


def test_names_label_the_operations(session):
    x = tf.compat.v1.placeholder(tf.float32, [2])
    assert clipping.clip_by_norm(x, 1.0, name="clipped").name.startswith("clipped/")
    assert clipping.global_norm([x], name="size").name.startswith("size/")


@pytest.mark.slow
def test_programs_of_tensorflow_1_run():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    clipped, gradient, measured, counts = done.stdout.splitlines()
    assert np.allclose(json.loads(clipped), [0.6, 0.8], rtol=1e-6)
    assert json.loads(gradient) == [1.0, 1.0]
    assert measured == "True"
    assert counts == "[2, 1]"


def test_a_function_is_traced_once_for_tensor_thresholds():
    traces = []

    @tf.function
    def clip(x, limit):
        traces.append(limit)
        return clipping.clip_by_global_norm([x], limit)

    for limit in (0.0, 1.0, math.inf, 1e-30):
        clip(tf.constant([3.0, 4.0]), tf.constant(limit))
    assert len(traces) == 1


def test_python_thresholds_are_traced_once_each():
    traces = []

    @tf.function
    def clip(x, limit):
        traces.append(limit)
        return clipping.clip_by_norm(x, limit)

    for limit in (1.0, 2.0, 1.0, 2.0):
        clip(tf.constant([3.0, 4.0]), limit)
    assert traces == [1.0, 2.0]


def test_autograph_leaves_the_functions_alone():
    @tf.function
    def train(x):
        if tf.reduce_sum(x) > 0:
            x = clipping.clip_by_norm(x, 1.0)
        return x

    assert np.allclose(train(tf.constant([3.0, 4.0])), [0.6, 0.8], rtol=1e-6)
    assert train(tf.constant([-3.0, -4.0])).numpy().tolist() == [-3, -4]
