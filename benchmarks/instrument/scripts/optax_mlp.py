"""JAX and optax: 784-128-10 on MNIST, Adam in a jitted step; `--clip` chains a clip before it."""

import sys
import time

import jax
import jax.numpy as jnp
import mnist
import optax

STEPS, WARM = 6000, 200
keys = jax.random.split(jax.random.key(0))
weights = {
    "hidden": {"w": 0.05 * jax.random.normal(keys[0], (784, 128)), "b": jnp.zeros(128)},
    "out": {"w": 0.05 * jax.random.normal(keys[1], (128, 10)), "b": jnp.zeros(10)},
}
first = [optax.clip_by_global_norm(1.0)] if "--clip" in sys.argv else []
optimizer = optax.chain(*first, optax.adam(1e-3))


def loss_of(weights, x, y):
    hidden = jax.nn.relu(x @ weights["hidden"]["w"] + weights["hidden"]["b"])
    logits = hidden @ weights["out"]["w"] + weights["out"]["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


@jax.jit
def step(weights, state, x, y):
    loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
    updates, state = optimizer.update(gradients, state, weights)
    return optax.apply_updates(weights, updates), state, loss


state = optimizer.init(weights)
data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in mnist.batches(900)]
for i in range(STEPS):
    if i == WARM:
        start = time.perf_counter()
    weights, state, loss = step(weights, state, *data[i % len(data)])
loss.block_until_ready()
print("loop", time.perf_counter() - start, STEPS - WARM, float(loss).hex())
