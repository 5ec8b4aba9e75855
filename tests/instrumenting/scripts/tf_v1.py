"""TensorFlow 1's optimizers: eagerly, in a function, and in graphs with sessions."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
MODE, LIMIT, RATE, STEPS = sys.argv[1], 0.5, 0.1, 5
CLIPS = MODE in {"function", "clipped"}
rng = np.random.default_rng(0)
table, kernel = (rng.normal(size=s).astype("float32") for s in [(6, 3), (3, 1)])
batches = [(rng.integers(0, 4, 8), rng.normal(size=(8, 1)).astype("float32")) for _ in range(STEPS)]


def show(table, kernel):
    """Train in NumPy. TensorFlow's clip takes a row that occurs twice for two rows."""
    for rows, y in batches:
        inner = table[rows]
        error = inner @ kernel - y
        outer = 2 * error / len(error)
        parts = outer @ kernel.T
        gradient = np.zeros_like(table)
        np.add.at(gradient, rows, parts)
        last = inner.T @ outer
        scale = min(1.0, LIMIT / norm(parts, last)) if CLIPS else 1.0
        print("step", (error**2).mean(), norm(gradient, last), norm(scale * gradient, scale * last))
        table, kernel = table - RATE * scale * gradient, kernel - RATE * scale * last


def norm(*parts):
    return float(np.sqrt(sum((part**2).sum() for part in parts)))


def loss_of(variables, rows, y):
    inner = tf.gather(variables[0], rows)
    return tf.reduce_mean(tf.square(tf.matmul(inner, variables[1]) - y))


def clipped(pairs):
    gradients, variables = zip(*pairs, strict=True)
    gradients, _ = tf.clip_by_global_norm(gradients, LIMIT)
    return list(zip(gradients, variables, strict=True))


def made():
    return [tf.Variable(table, name="table"), tf.Variable(kernel, name="kernel")]


def eager():
    variables, optimizer = made(), v1.train.GradientDescentOptimizer(RATE)
    for rows, y in batches:
        optimizer.minimize(lambda: loss_of(variables, rows, y), var_list=variables)  # noqa: B023
    return [v.numpy() for v in variables]


def function():
    variables, optimizer = made(), v1.train.GradientDescentOptimizer(RATE)

    @tf.function
    def step(rows, y):
        with tf.GradientTape() as tape:
            loss = loss_of(variables, rows, y)
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        optimizer.apply_gradients(clipped(pairs))

    for rows, y in batches:
        step(tf.constant(rows), tf.constant(y))
    return [v.numpy() for v in variables]


def graph():
    """Return placeholders, the variables, the loss and its training operation."""
    given = v1.placeholder(tf.int64, [None]), v1.placeholder(tf.float32, [None, 1])
    variables = [
        v1.get_variable(name, initializer=value, use_resource=MODE == "clipped")
        for name, value in [("table", table), ("kernel", kernel)]
    ]
    loss = loss_of(variables, *given)
    optimizer = v1.train.GradientDescentOptimizer(RATE)
    count = v1.train.get_or_create_global_step()
    if not CLIPS:
        return given, variables, loss, optimizer.minimize(loss, global_step=count)
    pairs = clipped(optimizer.compute_gradients(loss))
    return given, variables, loss, tf.group(optimizer.apply_gradients(pairs, global_step=count))


def fed(places, batch):
    return dict(zip(places, batch, strict=True))


def session():
    with tf.Graph().as_default(), v1.Session() as running:
        given, variables, loss, train_op = graph()
        running.run(v1.global_variables_initializer())
        for batch in batches[:3]:
            found = running.run({"train": train_op, "loss": loss}, fed(given, batch))
            assert found["train"] is None
            assert found.keys() == {"train", "loss"}
        assert running.run(train_op, fed(given, batches[3])) is None
        step = running.make_callable([train_op, loss], feed_list=given)
        assert len(step(*batches[4])) == 2
        return running.run(variables)


def monitored():
    with tf.Graph().as_default():
        given, variables, _, train_op = graph()
        with v1.train.MonitoredTrainingSession() as running:
            for batch in batches:
                assert running.run(train_op, fed(given, batch)) is None
            return running.run(variables)


def imported():
    with tf.Graph().as_default():
        given, variables, _, train_op = graph()
        exported = v1.train.export_meta_graph()
    with tf.Graph().as_default() as whole, v1.Session() as running:
        v1.train.import_meta_graph(exported)
        running.run(v1.global_variables_initializer())
        places = [whole.as_graph_element(each.name) for each in given]
        running.run(train_op.name, fed(places, batches[0]))
        return running.run([each.name for each in variables])


def branch():
    v1.disable_control_flow_v2()
    with tf.Graph().as_default(), v1.Session() as running:
        weight = v1.get_variable("w", initializer=table)
        optimizer = v1.train.GradientDescentOptimizer(RATE)
        pairs = optimizer.compute_gradients(tf.nn.l2_loss(weight))

        def train():
            with tf.control_dependencies([optimizer.apply_gradients(pairs)]):
                return tf.constant(1)

        step = tf.cond(
            v1.placeholder_with_default(input=True, shape=[]), train, lambda: tf.constant(0)
        )
        running.run(v1.global_variables_initializer())
        running.run(step)
        return [running.run(weight)]


modes = {"eager": eager, "function": function, "session": session, "clipped": monitored}
if os.environ.get("SHOW"):
    show(table.astype(float), kernel.astype(float))
trained = (modes | {"imported": imported, "branch": branch})[MODE]()
print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in trained)).hex())
