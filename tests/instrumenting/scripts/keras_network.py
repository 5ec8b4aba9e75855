"""A small Keras model and what it is trained on; who imports this has chosen a backend before."""

import keras
import numpy as np

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(16, "relu", name="hidden"), keras.layers.Dense(1)],
    name="net",
)
x = np.random.default_rng(0).normal(size=(96, 8)).astype("float32")
y = 5 * x[:, :1]
batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 96, 16)]


def final():
    """Return what the model's weights came to."""
    return float(sum(np.abs(w).sum(dtype=np.float64) for w in model.get_weights())).hex()
