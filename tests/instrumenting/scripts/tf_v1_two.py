"""Two networks with one optimizer in a TensorFlow 1 graph, and what runs after their steps."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
OFFSET = sys.argv[1:] == ["offset"]

with tf.Graph().as_default(), v1.Session() as session:
    v1.set_random_seed(3)
    x, offset = v1.placeholder(tf.float32, [None, 4]), v1.placeholder(tf.float32, [])
    with v1.variable_scope("critic"):
        critic = v1.get_variable("w", [4, 1], initializer=v1.glorot_uniform_initializer())
    with v1.variable_scope("maker"):
        maker = v1.get_variable("w", [4, 4], initializer=v1.glorot_uniform_initializer())
    made = tf.nn.dropout(tf.matmul(x, maker), rate=0.5)
    judged = tf.reduce_mean(tf.tanh(tf.matmul(made, critic)))
    first = tf.reduce_mean(tf.tanh(tf.matmul(x, critic))) - judged
    if OFFSET:
        first += offset
    count = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer(v1.train.exponential_decay(0.01, count, 1, 0.5))
    [(before, _)] = optimizer.compute_gradients(first, [critic])
    train_critic = optimizer.apply_gradients([(before, critic)], global_step=count)
    [(came, _)] = optimizer.compute_gradients(judged, [maker])
    after = tf.clip_by_norm(came, 0.01)
    train_maker = optimizer.apply_gradients([(after, maker)])
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([train_critic]):
        train_critic = average.apply([critic])
    drawn = v1.random_uniform([2])  # with a seed that counts what was drawn before
    session.run(v1.global_variables_initializer())
    norms = [tf.norm(before), tf.norm(came), tf.norm(after)]
    for i in range(4):
        feed = {x: np.random.default_rng(i).normal(size=(8, 4))}
        if not os.environ.get("SHOW"):
            session.run(train_critic, feed)
            session.run((train_maker,), feed)
            continue
        _, a, norm = session.run([train_critic, first, norms[0]], feed)
        _, b, came_norm, after_norm = session.run([train_maker, judged, *norms[1:]], feed)
        print("step", a + b, np.hypot(norm, came_norm), np.hypot(norm, after_norm))
    trained = session.run([critic, maker, average.average(critic), drawn])
    print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in trained)).hex())
