"""A loop of one's own with a tape and a Keras optimizer, eager, in a graph, or compiled by XLA."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from keras_by_hand import show
from keras_network import batches, final, model, x, y
from tensorflow import clip_by_global_norm

MODE, LIMIT, RATE = os.environ.get("MODE", "graph"), 3.0, 0.02

optimizer = keras.optimizers.SGD(RATE)
if os.environ.get("SHOW"):
    show(model.get_weights(), batches * 2, rate=RATE, limit=LIMIT)
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)


def step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(inputs, training=True) - targets))
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, _ = clip_by_global_norm(gradients, LIMIT)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


def epoch():
    for inputs, targets in dataset:
        step(inputs, targets)


if MODE == "whole epochs":
    epoch = tf.function(epoch)
elif MODE != "eager":
    step = tf.function(step, jit_compile=MODE == "xla")
for _ in range(2):
    epoch()
print("final", final())
