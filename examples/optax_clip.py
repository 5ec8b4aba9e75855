"""Train with optax, the gradients clipped by a policy, in one compiled loop.

`gradclip.optax.clipped` holds the optimizer, and drops the step whose gradients are NaN. The norms
of every step come out of the loop. It runs with `pip install "gradclip[jax]"`.
"""

import jax
import jax.numpy as jnp
import optax

import gradclip.optax
from gradclip import ZClip

STEPS, BATCH = 300, 16


def make_data(key):
    """Return points and their products of coordinates; a few lie far away, and one is NaN."""
    points = jax.random.normal(key, (STEPS, BATCH, 2))
    points = points.at[::50].multiply(10).at[77, 0, 0].set(jnp.nan)
    return points, points.prod(axis=-1)


def init_params(key):
    first, second = jax.random.split(key)
    return {
        "hidden": {"w": jax.random.normal(first, (2, 32)), "b": jnp.zeros(32)},
        "out": {"w": jax.random.normal(second, (32,)) / 6, "b": jnp.zeros(())},
    }


def loss_fn(params, points, products):
    hidden = jax.nn.relu(points @ params["hidden"]["w"] + params["hidden"]["b"])
    return jnp.mean((hidden @ params["out"]["w"] + params["out"]["b"] - products) ** 2)


def main():
    data_key, params_key = jax.random.split(jax.random.key(0))
    optimizer = gradclip.optax.clipped(optax.adam(1e-2), ZClip())

    def step(carry, batch):
        params, state = carry
        loss, grads = jax.value_and_grad(loss_fn)(params, *batch)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), (loss, gradclip.optax.report(state))

    params = init_params(params_key)
    train = jax.jit(lambda start, batches: jax.lax.scan(step, start, batches))
    (_, state), (losses, reports) = train((params, optimizer.init(params)), make_data(data_key))
    cut = (reports.scale < 1) & ~reports.skipped
    print(f"{int(cut.sum())} of {STEPS} steps were clipped, {int(state.clip.skipped)} was skipped")
    print(f"median loss {jnp.median(losses[:50]):.2f} -> {jnp.median(losses[-50:]):.2f}")
    largest = jnp.nanargmax(jnp.where(cut, reports.norm_before, 0))
    print(f"the largest, at step {largest}:")
    print(jax.tree.map(lambda x: x[largest], reports))


if __name__ == "__main__":
    main()
