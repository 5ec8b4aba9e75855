"""A loop of one's own on PyTorch, with a Keras model and a Keras optimizer, or PyTorch's own."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from keras_by_hand import show
from keras_network import batches, final, model

LIMIT = float(os.environ.get("LIMIT", "0")) or None  # the program clips by itself
ACCUMULATE = int(os.environ.get("ACCUMULATE", "1"))
MODE, RATE = os.environ.get("MODE", "keras"), 0.02

if os.environ.get("SHOW"):
    show(model.get_weights(), batches * 2, rate=RATE, limit=LIMIT, accumulate=ACCUMULATE)


def clip(parameters):
    """Clip gradients, as one call or as the two that it consists of."""
    if not os.environ.get("IN_TWO"):
        torch.nn.utils.clip_grad_norm_(parameters, LIMIT)
        return
    given = list(parameters)
    total = torch.nn.utils.get_total_norm([p.grad for p in given])
    torch.nn.utils.clip_grads_with_norm_(given, LIMIT, total)


weights = list(model.trainable_weights)
if MODE == "torch":
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
else:
    accumulate = ACCUMULATE if ACCUMULATE > 1 else None
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=accumulate)

for inputs, targets in batches * 2:
    predicted = model(torch.from_numpy(inputs))
    loss = torch.mean((predicted - torch.from_numpy(targets)) ** 2)
    model.zero_grad()
    loss.backward()
    if LIMIT is not None:
        clip(model.parameters())
    if MODE == "torch":
        optimizer.step()
        continue
    with torch.no_grad():
        optimizer.apply([weight.value.grad for weight in weights], weights)
print("final", final())
