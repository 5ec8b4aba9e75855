"""A training step of TensorFlow 1's that a session runs bit by bit."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

v1 = tf.compat.v1
v1.disable_eager_execution()
given = v1.placeholder(tf.float32, [None])
weight = v1.get_variable("weight", initializer=3.0)
loss = tf.reduce_mean(tf.square(weight * given))
train = v1.train.GradientDescentOptimizer(0.1).minimize(loss)
with tf.control_dependencies([train]):
    after = tf.identity(weight)
with v1.Session() as session:
    session.run(v1.global_variables_initializer())
    for _ in range(3):
        handle = session.partial_run_setup([loss, after], [given])
        session.partial_run(handle, loss, {given: [1.0]})
        session.partial_run(handle, after)
    print("final", float(session.run(weight)).hex())
