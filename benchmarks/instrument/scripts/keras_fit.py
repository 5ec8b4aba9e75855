"""Keras on TensorFlow: 784-128-10 on MNIST with `fit`; `--clip` has the optimizer clip."""

import sys
import time

import keras
import mnist
import numpy as np

STEPS, EPOCHS = 900, 4
keras.utils.set_random_seed(0)
clipping = {"global_clipnorm": 1.0} if "--clip" in sys.argv else {}
model = keras.Sequential(
    [keras.Input((784,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)]
)
model.compile(
    keras.optimizers.Adam(1e-3, **clipping),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
data = mnist.batches(STEPS)
x, y = (np.concatenate(part) for part in zip(*data, strict=True))
model.fit(x[: 100 * mnist.BATCH], y[: 100 * mnist.BATCH], batch_size=mnist.BATCH, verbose=0)
start = time.perf_counter()
history = model.fit(x, y, batch_size=mnist.BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
print("loop", time.perf_counter() - start, STEPS * EPOCHS, history.history["loss"][-1].hex())
