"""A function that trains, after which its model is gone before the program ends."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

STEPS = 12


def main():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(16 * STEPS, 8)).astype("float32")
    model.fit(x, x[:, :1], batch_size=16, shuffle=False, verbose=0)
    return float(np.abs(model.get_weights()[0]).sum(dtype=np.float64))


total = main()
keras.backend.clear_session()
gc.collect()
print("final", total.hex())
