"""A loop that updates TensorFlow's variables by hand, after Keras was only looked for."""

import importlib.util
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

assert importlib.util.find_spec("keras") is not None
weight = tf.Variable([3.0, 4.0])
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(weight))
    weight.assign_sub(0.1 * tape.gradient(loss, weight))
print("final", float(tf.norm(weight)).hex())
if os.environ.get("THEN_KERAS"):
    optimizer = tf.keras.optimizers.SGD(0.1)
    optimizer.apply_gradients([(weight, weight)])
