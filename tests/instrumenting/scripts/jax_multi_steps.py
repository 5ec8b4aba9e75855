"""Gradients accumulated by `optax.MultiSteps`; in which way, the first argument says."""

import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

KIND = sys.argv[1]
BATCHES, EVERY, LIMIT = 12, 3, 0.1
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = rng.normal(size=(BATCHES, 16, 6)).astype(np.float32)
targets = rng.normal(size=(BATCHES, 16, 2)).astype(np.float32)
if KIND == "dropped":
    inputs[4] = np.nan
clip, norm = optax.clip_by_global_norm(LIMIT), optax.tree.norm
options = {"use_grad_mean": KIND != "sum"}
if KIND == "dropped":
    options["should_skip_update_fn"] = optax.skip_not_finite
optimizer = optax.MultiSteps(optax.chain(clip, optax.adam(1e-2)), EVERY, **options)
if KIND == "scan":
    optimizer = optimizer.gradient_transformation()


def loss_of(params, x, y):
    return jnp.mean((jnp.tanh(x @ params["w"] + params["b"]) - y) ** 2)


differentiate = jax.value_and_grad(loss_of)


def step(params, state, x, y):
    loss, grads = differentiate(params, x, y)
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


@jax.jit
def epoch(params, state):
    def body(carry, batch):
        params, state, loss = step(*carry, *batch)
        return (params, state), loss

    return jax.lax.scan(body, (params, state), (inputs, targets))[0]


def show(params):
    """Accumulate by hand."""
    found, adam = [], optax.chain(clip, optax.adam(1e-2))
    state = adam.init(params)
    for x, y in zip(inputs, targets, strict=True):
        loss, grads = differentiate(params, x, y)
        if not np.isfinite(loss):
            continue
        found.append((loss, grads))
        if len(found) == EVERY:
            losses, all_grads = zip(*found, strict=True)
            divisor = 1 if KIND == "sum" else EVERY
            grads = jax.tree.map(lambda *g: sum(g) / divisor, *all_grads)  # noqa: B023 - used here
            before = float(norm(grads))
            print("step", float(sum(losses)) / divisor, before, min(before, LIMIT))
            updates, state = adam.update(grads, state, params)
            params, found = optax.apply_updates(params, updates), []


params = {"w": jnp.asarray(rng.normal(size=(6, 2)), jnp.float32), "b": jnp.zeros(2)}
state = optimizer.init(params)
if SHOW:
    show(params)
if KIND == "scan":
    params, state = epoch(params, state)
elif KIND == "apart":
    gradients, update = jax.jit(differentiate), jax.jit(optimizer.update)
    for x, y in zip(inputs, targets, strict=True):
        loss, grads = gradients(params, x, y)
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
else:
    compiled = step if KIND == "eager" else jax.jit(step)
    for x, y in zip(inputs, targets, strict=True):
        params, state, loss = compiled(params, state, x, y)
assert int(state.gradient_step) == (BATCHES - (KIND == "dropped")) // EVERY
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
