"""Flax: linen with a TrainState, or nnx with its Optimizer, as the first argument says."""

import os
import sys

import jax
import numpy as np
import optax
from flax import linen, nnx
from flax.training.train_state import TrainState

STEPS = 10
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = rng.normal(size=(STEPS, 32, 8, 8, 1)).astype(np.float32)
labels = rng.integers(0, 3, (STEPS, 32))
clip = optax.clip_by_global_norm(0.2)
optimizer = optax.chain(clip, optax.adamw(1e-2))


def cross_entropy(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def tell(loss, grads):
    clipped, _ = clip.update(grads, clip.init(grads))
    print("step", float(loss), float(optax.tree.norm(grads)), float(optax.tree.norm(clipped)))


class Network(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.relu(linen.Conv(4, (3, 3))(x))
        return linen.Dense(3)(x.reshape(len(x), -1))


@jax.jit
def linen_step(state, x, y):
    def loss_of(params):
        return cross_entropy(state.apply_fn({"params": params}, x), y)

    loss, grads = jax.value_and_grad(loss_of)(state.params)
    return state.apply_gradients(grads=grads), loss


def train_linen(told):
    network = Network()
    params = network.init(jax.random.key(0), inputs[0])["params"]
    state = TrainState.create(apply_fn=network.apply, params=params, tx=optimizer)
    for x, y in zip(inputs, labels, strict=True):
        if told:

            def loss_of(params, x=x, y=y):
                return cross_entropy(network.apply({"params": params}, x), y)

            tell(*jax.value_and_grad(loss_of)(state.params))
        state, _ = linen_step(state, x, y)
    assert int(state.opt_state[1][0].count) == STEPS
    return state.params


class Model(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.dense = nnx.Linear(256, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.conv(x))
        return self.dense(x.reshape(len(x), -1))


@nnx.jit
def nnx_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda model: cross_entropy(model(x), y))(model)
    optimizer.update(model, grads)
    return loss


def train_nnx(told):
    model = Model(nnx.Rngs(0))
    stepper = nnx.Optimizer(model, optimizer, wrt=nnx.Param)
    for x, y in zip(inputs, labels, strict=True):
        if told:
            tell(*nnx.value_and_grad(lambda model, x, y: cross_entropy(model(x), y))(model, x, y))
        nnx_step(model, stepper, x, y)
    return nnx.state(model, nnx.Param)


train = {"linen": train_linen, "nnx": train_nnx}[sys.argv[1]]
if SHOW:
    train(told=True)
params = train(told=False)
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
