"""An equinox model in a filtered, compiled step."""

import os

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = 10
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = rng.normal(size=(STEPS, 32, 6)).astype(np.float32)
targets = rng.normal(size=(STEPS, 32, 2)).astype(np.float32)
clip = optax.clip_by_global_norm(0.2)
optimizer = optax.chain(clip, optax.adam(1e-2))


@equinox.filter_value_and_grad
def differentiate(model, x, y):
    return jnp.mean((jax.vmap(model)(x) - y) ** 2)


@equinox.filter_jit
def train_step(model, state, x, y):
    loss, grads = differentiate(model, x, y)
    updates, state = optimizer.update(grads, state, equinox.filter(model, equinox.is_array))
    return equinox.apply_updates(model, updates), state, loss


def train(told):
    model = equinox.nn.MLP(6, 2, width_size=16, depth=2, key=jax.random.key(0))
    state = optimizer.init(equinox.filter(model, equinox.is_array))
    for x, y in zip(inputs, targets, strict=True):
        if told:
            loss, grads = differentiate(model, x, y)
            clipped, _ = clip.update(grads, clip.init(grads))
            norms = float(optax.tree.norm(grads)), float(optax.tree.norm(clipped))
            print("step", float(loss), *norms)
        model, state, _ = train_step(model, state, x, y)
    return equinox.filter(model, equinox.is_array)


if SHOW:
    train(told=True)
params = train(told=False)
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
