"""Steps where nothing can be returned, or that are many at once; which, the first argument says."""

import functools
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, PartitionSpec

KIND = sys.argv[1]
STEPS, LIMIT = 12, 0.2
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = jnp.asarray(rng.normal(size=(STEPS, 16, 6)), jnp.float32)
targets = jnp.asarray(rng.normal(size=(STEPS, 16, 2)), jnp.float32)
optimizer = optax.chain(optax.clip_by_global_norm(LIMIT), optax.adam(1e-2))
axis = "devices" if KIND in {"pmap", "shard_map"} else None
num_devices = jax.local_device_count()


def make_params():
    rng = np.random.default_rng(1)
    return {"w": jnp.asarray(rng.normal(size=(6, 2)), jnp.float32), "b": jnp.zeros(2)}


def loss_of(params, x, y):
    return jnp.mean((jnp.tanh(x @ params["w"] + params["b"]) - y) ** 2)


def step(params, state, x, y, axis=None):
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    if axis is not None:
        loss, grads = jax.lax.pmean((loss, grads), axis)
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


def show(params):
    state = optimizer.init(params)
    for x, y in zip(inputs, targets, strict=True):
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        norm = float(optax.tree.norm(grads))
        print("step", float(loss), norm, min(norm, LIMIT))
        params, state, _ = step(params, state, x, y)


def loop(compiled, params, state, shape=()):
    for x, y in zip(inputs, targets, strict=True):
        params, state, _ = compiled(
            params, state, x.reshape(*shape, -1, 6), y.reshape(*shape, -1, 2)
        )
    return params


def pmap():
    compiled = jax.pmap(functools.partial(step, axis=axis), axis_name=axis)
    params = make_params()
    copies = jax.tree.map(lambda p: jnp.stack([p] * num_devices), (params, optimizer.init(params)))
    return loop(compiled, *copies, shape=(num_devices,))


def shard_map():
    mesh = jax.make_mesh((num_devices,), (axis,), axis_types=(AxisType.Auto,))
    whole, part = PartitionSpec(), PartitionSpec(axis)
    mapped = jax.shard_map(
        functools.partial(step, axis=axis),
        mesh=mesh,
        in_specs=(whole, whole, part, part),
        out_specs=whole,
        check_vma=False,
    )
    params = make_params()
    return loop(jax.jit(mapped), params, optimizer.init(params))


def until():
    def body(carry):
        i, params, state = carry
        params, state, _ = step(params, state, inputs[i], targets[i])
        return i + 1, params, state

    params = make_params()
    carry = 0, params, optimizer.init(params)
    return jax.lax.while_loop(lambda carry: carry[0] < STEPS, body, carry)[1]


def branch():
    @jax.jit
    def compiled(params, state, x, y):
        def skip(params, state, x, y):
            return params, state, jnp.zeros(())

        good = jnp.all(jnp.isfinite(x))
        return jax.lax.cond(good, step, skip, params, state, x, y)

    params = make_params()
    return loop(compiled, params, optimizer.init(params))


def scans():
    """Loops of one length next to each other, between single steps."""

    @jax.jit
    def compiled(params, state):
        def body(carry, batch):
            params, state, loss = step(*carry, *batch)
            return (params, state), loss

        carry = step(params, state, inputs[0], targets[0])[:2]
        for part in (slice(1, 6), slice(6, 11)):
            carry, _ = jax.lax.scan(body, carry, (inputs[part], targets[part]))
        return step(*carry, inputs[11], targets[11])

    params = make_params()
    return compiled(params, optimizer.init(params))[0]


def static():
    @functools.partial(jax.jit, static_argnames=("scale",), donate_argnums=(0, 1))
    def compiled(params, state, x, y, *, scale=1.0):
        return step(params, state, x * scale, y)

    params = make_params()
    return loop(functools.partial(compiled, scale=1.0), params, optimizer.init(params))


def checkpoint():
    params = make_params()
    return loop(jax.jit(jax.checkpoint(step)), params, optimizer.init(params))


def seeds():
    """Several trainings at once."""
    params = jax.vmap(lambda i: jax.tree.map(lambda p: p * i, make_params()))(jnp.arange(3.0))
    compiled = jax.jit(jax.vmap(step, in_axes=(0, 0, None, None)))
    return loop(compiled, params, jax.vmap(optimizer.init)(params))


if SHOW:
    show(make_params())
params = globals()[KIND]()
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
