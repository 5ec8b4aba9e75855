"""A multi-layer perceptron, compiled, with optax's own clipping."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import optax

SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = rng.normal(size=(20, 64, 12)).astype(np.float32)
labels = rng.integers(0, 3, (20, 64))
params = {
    f"dense_{i}": {
        "kernel": jnp.asarray(rng.normal(size=size) / size[0] ** 0.5, jnp.float32),
        "bias": jnp.zeros(size[1]),
    }
    for i, size in enumerate([(12, 24), (24, 24), (24, 3)])
}
clip = optax.clip_by_global_norm(0.2)
optimizer = optax.chain(clip, optax.adamw(1e-2))


def forward(params, x):
    for i in range(3):
        layer = params[f"dense_{i}"]
        x = (jnp.tanh(x) if i else x) @ layer["kernel"] + layer["bias"]
    return x


def loss_of(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(forward(params, x), y).mean()


@jax.jit
def train_step(params, state, x, y):
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


def show(params, x, y):
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    clipped, _ = clip.update(grads, clip.init(params))
    print("step", float(loss), float(optax.tree.norm(grads)), float(optax.tree.norm(clipped)))


state = optimizer.init(params)
for x, y in zip(inputs, labels, strict=True):
    if SHOW:
        show(params, x, y)
    params, state, loss = train_step(params, state, x, y)
assert int(state[1][0].count) == 20
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
