"""A loop of one's own on JAX, with a Keras model and optimizer whose state is passed around."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np
from keras_by_hand import show
from keras_network import batches, final, model, x, y

LIMIT = float(os.environ.get("GLOBAL_CLIPNORM", "0")) or None
ACCUMULATE = int(os.environ.get("ACCUMULATE", "1"))
MODE, RATE = os.environ.get("MODE", "jit"), 0.02

optimizer = keras.optimizers.SGD(
    RATE,
    global_clipnorm=LIMIT,
    gradient_accumulation_steps=ACCUMULATE if ACCUMULATE > 1 else None,
)
if os.environ.get("LOSS_SCALE"):
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
optimizer.build(model.trainable_variables)
if os.environ.get("SHOW"):
    show(model.get_weights(), batches * 2, rate=RATE, limit=LIMIT, accumulate=ACCUMULATE)


def loss_and_updates(trainable, others, optimizer_state, inputs, targets):
    predicted, others = model.stateless_call(trainable, others, inputs)
    loss = jax.numpy.mean((predicted - targets) ** 2)
    if not os.environ.get("LOSS_SCALE"):
        return loss, (loss, others)
    with keras.StatelessScope(list(zip(optimizer.variables, optimizer_state, strict=True))):
        return optimizer.scale_loss(loss), (loss, others)


differentiate = jax.value_and_grad(loss_and_updates, has_aux=True)


def step(state, batch):
    trainable, others, optimizer_state = state
    (_, (loss, others)), gradients = differentiate(trainable, others, optimizer_state, *batch)
    trainable, optimizer_state = optimizer.stateless_apply(optimizer_state, gradients, trainable)
    return loss, (trainable, others, optimizer_state)


class Trained(keras.Model):
    """A model with a step of its own, which computes no metrics."""

    def __init__(self):
        super().__init__()
        self.network = model

    def call(self, inputs):
        return self.network(inputs)

    def train_step(self, state, data):
        trainable, others, optimizer_state, metrics = state
        (loss, (_, _, others, metrics)), gradients = jax.value_and_grad(
            self.compute_loss_and_updates, has_aux=True
        )(
            trainable,
            others,
            metrics,
            *data,
            None,
            training=True,
            optimizer_variables=optimizer_state,
        )
        trainable, optimizer_state = self.optimizer.stateless_apply(
            optimizer_state, gradients, trainable
        )
        return {"loss": loss}, (trainable, others, optimizer_state, metrics)


def epoch(state, data):
    def body(state, batch):
        loss, state = step(state, batch)
        return state, loss

    state, losses = jax.lax.scan(body, state, data)
    return losses, state


state = tuple(
    [variable.value for variable in each]
    for each in (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
)
if MODE == "train_step":
    trained = Trained()
    trained.compile(optimizer, "mse")
    trained.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    state = ([variable.value for variable in model.trainable_variables],)
elif MODE == "scan":
    epoch = jax.jit(epoch, donate_argnums=0)
    data = tuple(np.stack(part) for part in zip(*batches * 2, strict=True))
    _, state = epoch(state, data)
else:
    if MODE == "jit":
        step = jax.jit(step)
    for batch in batches * 2:
        loss, state = step(state, batch)
for variable, value in zip(model.trainable_variables, state[0], strict=True):
    variable.assign(value)
print("final", final())
