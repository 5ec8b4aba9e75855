"""A loop of one's own with a tape and a Keras optimizer, eager, in a graph, or compiled by XLA."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras_by_hand import show
from tensorflow import clip_by_global_norm

MODE, LIMIT, RATE = os.environ.get("MODE", "graph"), 3.0, 0.02

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(16, "relu", name="hidden"), keras.layers.Dense(1)],
    name="net",
)
optimizer = keras.optimizers.SGD(RATE)
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8)).astype("float32")
y = 5 * x[:, :1]
if os.environ.get("SHOW"):
    parts = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 96, 16)]
    show(model.get_weights(), parts * 2, rate=RATE, limit=LIMIT)
batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)


def step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(inputs, training=True) - targets))
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, _ = clip_by_global_norm(gradients, LIMIT)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


def epoch():
    for inputs, targets in batches:
        step(inputs, targets)


if MODE == "whole epochs":
    epoch = tf.function(epoch)
elif MODE != "eager":
    step = tf.function(step, jit_compile=MODE == "xla")
for _ in range(2):
    epoch()
print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in model.get_weights())).hex())
