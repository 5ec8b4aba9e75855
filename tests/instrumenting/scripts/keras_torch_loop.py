"""A loop of one's own on PyTorch, with a Keras model and a Keras optimizer, or PyTorch's own."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from keras_by_hand import show

LIMIT = float(os.environ.get("LIMIT", "0")) or None  # the program clips by itself
ACCUMULATE = int(os.environ.get("ACCUMULATE", "1"))
MODE, RATE = os.environ.get("MODE", "keras"), 0.02

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(16, "relu", name="hidden"), keras.layers.Dense(1)],
    name="net",
)
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8)).astype("float32")
y = 5 * x[:, :1]
batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 96, 16)] * 2
if os.environ.get("SHOW"):
    show(model.get_weights(), batches, rate=RATE, limit=LIMIT, accumulate=ACCUMULATE)
weights = list(model.trainable_weights)
if MODE == "torch":
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
else:
    accumulate = ACCUMULATE if ACCUMULATE > 1 else None
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=accumulate)

for inputs, targets in batches:
    predicted = model(torch.from_numpy(inputs))
    loss = torch.mean((predicted - torch.from_numpy(targets)) ** 2)
    model.zero_grad()
    loss.backward()
    if LIMIT is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), LIMIT)
    if MODE == "torch":
        optimizer.step()
        continue
    with torch.no_grad():
        optimizer.apply([weight.value.grad for weight in weights], weights)
print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in model.get_weights())).hex())
