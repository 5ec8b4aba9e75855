"""A Keras model on one or more logical devices, by `fit`, or by a loop with a tape."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras_by_hand import show

MODE, DEVICES = os.environ.get("MODE", "fit"), int(os.environ.get("DEVICES", "1"))
RATE, BATCH = 0.02, 16

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * DEVICES)
names = [f"/cpu:{i}" for i in range(DEVICES)]
one = os.environ.get("STRATEGY") == "one"
strategy = (
    tf.distribute.OneDeviceStrategy(names[0]) if one else tf.distribute.MirroredStrategy(names)
)
keras.utils.set_random_seed(0)
with strategy.scope():
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, "relu", name="hidden"), keras.layers.Dense(1)],
        name="net",
    )
    optimizer = keras.optimizers.SGD(RATE)
    if MODE == "v1":
        optimizer = tf.compat.v1.train.GradientDescentOptimizer(RATE)
    else:
        model.compile(optimizer, "mse")
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8)).astype("float32")
y = 5 * x[:, :1]
if os.environ.get("SHOW"):
    parts = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, 96, BATCH)]
    show(model.get_weights(), parts * 2, rate=RATE)


def step(inputs, targets):
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(inputs, training=True) - targets)) / BATCH
    gradients = tape.gradient(loss, weights)
    inner = [weight.value for weight in weights] if MODE == "v1" else weights
    optimizer.apply_gradients(zip(gradients, inner, strict=True))


@tf.function
def everywhere(inputs, targets):
    strategy.run(step, args=(inputs, targets))


if MODE == "fit":
    model.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
else:
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)
    for _ in range(2):
        for inputs, targets in strategy.experimental_distribute_dataset(batches):
            everywhere(inputs, targets)
print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in model.get_weights())).hex())
