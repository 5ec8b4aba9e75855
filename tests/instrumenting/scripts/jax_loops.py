"""Loops of many kinds around one small model; which of them, the first argument says."""

import functools
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

STEPS = 12
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
inputs = rng.normal(size=(STEPS, 32, 12)).astype(np.float32)
labels = rng.integers(0, 3, (STEPS, 32))
SIZES = [(12, 24), (24, 3)]


def make_params(seed=1):
    rng = np.random.default_rng(seed)
    return {
        f"dense_{i}": {
            "kernel": jnp.asarray(rng.normal(size=size) / size[0] ** 0.5, jnp.float32),
            "bias": jnp.zeros(size[1]),
        }
        for i, size in enumerate(SIZES)
    }


def loss_of(params, x, y):
    hidden = jnp.tanh(x @ params["dense_0"]["kernel"] + params["dense_0"]["bias"])
    logits = hidden @ params["dense_1"]["kernel"] + params["dense_1"]["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def step(optimizer, params, state, x, y, **extra):
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    updates, state = optimizer.update(grads, state, params, **extra)
    return optax.apply_updates(params, updates), state, loss


def show(optimizer, clip=None):
    """Print what a run of its own comes to."""
    params = make_params()
    state = optimizer.init(params)
    for x, y in zip(inputs, labels, strict=True):
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        after = grads if clip is None else clip.update(grads, clip.init(params), params)[0]
        print("step", float(loss), float(optax.tree.norm(grads)), float(optax.tree.norm(after)))
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)


def train(optimizer, clip=None, compiled=jax.jit):
    if SHOW:
        show(optimizer, clip)
    params = make_params()
    state = optimizer.init(params)
    train_step = compiled(functools.partial(step, optimizer))
    for x, y in zip(inputs, labels, strict=True):
        params, state, _ = train_step(params, state, x, y)
    return params


def eager():
    clip = optax.clip_by_global_norm(0.2)
    return train(optax.chain(clip, optax.adam(1e-2)), clip, lambda function: function)


def donated():
    clip = optax.clip(0.01)
    return train(
        optax.chain(clip, optax.adamw(1e-2)),
        clip,
        functools.partial(jax.jit, donate_argnums=(0, 1)),
    )


def momentum():
    clip = optax.clip_by_global_norm(0.2)
    return train(optax.chain(clip, optax.sgd(1e-1, momentum=0.9)), clip)


def units():
    clip = optax.adaptive_grad_clip(0.01)
    return train(optax.chain(clip, optax.sgd(1e-1, momentum=0.9)), clip)


def blocks():
    clip = optax.clip_by_block_rms(0.005)
    return train(optax.chain(clip, optax.lion(1e-3)), clip)


def scan():
    clip = optax.clip_by_global_norm(0.2)
    optimizer = optax.chain(clip, optax.adam(1e-2))
    if SHOW:
        show(optimizer, clip)

    def body(carry, batch):
        params, state, loss = step(optimizer, *carry, *batch)
        return (params, state), loss

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(carry, batches):
        return jax.lax.scan(body, carry, batches)

    params = make_params()
    carry = params, optimizer.init(params)
    for half in range(2):
        part = slice(half * STEPS // 2, (half + 1) * STEPS // 2)
        carry, losses = epoch(carry, (inputs[part], labels[part]))
    assert losses.shape == (STEPS // 2,)
    return carry[0]


def fori():
    optimizer = optax.adam(1e-2)
    if SHOW:
        show(optimizer)
    x, y = jnp.asarray(inputs), jnp.asarray(labels)

    def body(i, carry):
        params, state, _ = step(optimizer, *carry, x[i], y[i])
        return params, state

    params = make_params()
    carry = jax.jit(lambda carry: jax.lax.fori_loop(0, STEPS, body, carry))(
        (params, optimizer.init(params))
    )
    return carry[0]


def inject():
    clip = optax.clip_by_global_norm(0.2)
    schedule = optax.linear_schedule(1e-2, 1e-3, STEPS)
    return train(optax.chain(clip, optax.inject_hyperparams(optax.adam)(schedule)), clip)


def finite():
    return train(optax.apply_if_finite(optax.adam(1e-2), max_consecutive_errors=3))


def masked():
    mask = {"dense_0": True, "dense_1": False}
    return train(optax.chain(optax.masked(optax.add_decayed_weights(1e-2), mask), optax.sgd(0.1)))


def partition():
    kinds = {"dense_0": "slow", "dense_1": "fast"}
    return train(optax.multi_transform({"slow": optax.sgd(1e-3), "fast": optax.adam(1e-2)}, kinds))


def decayed():
    """Weight decay enters the loss, whose gradient ends in a product and a sum."""
    global loss_of
    alone = loss_of

    def decaying(params, x, y):
        return alone(params, x, y) + 1e-3 * optax.tree.norm(params, squared=True)

    loss_of = decaying
    return train(optax.adam(1e-2))


def plateau():
    optimizer, scaling = optax.adam(1e-2), optax.contrib.reduce_on_plateau(patience=1)
    if SHOW:
        show(optimizer)
    params = make_params()
    state, scaled = optimizer.init(params), scaling.init(params)
    train_step = jax.jit(functools.partial(step, optimizer))
    for x, y in zip(inputs, labels, strict=True):
        params, state, loss = train_step(params, state, x, y)
        _, scaled = scaling.update(updates=params, state=scaled, value=loss)
    return params


def lookahead():
    optimizer = optax.lookahead(optax.sgd(0.1), sync_period=3, slow_step_size=0.5)

    @jax.jit
    def train_step(params, state, x, y):
        loss, grads = jax.value_and_grad(loss_of)(params.fast, x, y)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    def loop(told):
        params = optax.LookaheadParams.init_synced(make_params())
        state = optimizer.init(params)
        for x, y in zip(inputs, labels, strict=True):
            if told:
                loss, grads = jax.value_and_grad(loss_of)(params.fast, x, y)
                norm = float(optax.tree.norm(grads))
                print("step", float(loss), norm, norm)
            params, state, _ = train_step(params, state, x, y)
        return params.fast

    if SHOW:
        loop(told=True)
    return loop(told=False)


def sharpness():
    """Sharpness-aware minimization by hand: an ascent by one optimizer, a descent by another."""
    ascent = optax.chain(optax.contrib.normalize(), optax.sgd(0.05))
    descent = optax.adam(1e-2)

    @jax.jit
    def train_step(params, states, x, y):
        grads = jax.grad(loss_of)(params, x, y)
        updates, up = ascent.update(grads, states[0], params)
        away = jax.tree.map(lambda p, u: p - u, params, updates)
        loss, sharp = jax.value_and_grad(loss_of)(away, x, y)
        updates, down = descent.update(sharp, states[1], params)
        return optax.apply_updates(params, updates), (up, down), (loss, sharp)

    def loop(told):
        params = make_params()
        states = ascent.init(params), descent.init(params)
        for x, y in zip(inputs, labels, strict=True):
            first = loss_of(params, x, y)
            params, states, (loss, sharp) = train_step(params, states, x, y)
            if told:
                norm = float(optax.tree.norm(sharp))
                print("step", float(first + loss), norm, norm)
        return params

    if SHOW:
        loop(told=True)
    return loop(told=False)


def plain():
    """No optimizer at all."""

    @jax.jit
    def train_step(params, x, y):
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), loss

    if SHOW:
        show(optax.sgd(0.1))
    params = make_params()
    for x, y in zip(inputs, labels, strict=True):
        params, _ = train_step(params, x, y)
    return params


def by_hand():
    """Gradients computed, clipped and applied by three functions."""
    optimizer, gradients = optax.adam(1e-2), jax.jit(jax.value_and_grad(loss_of))

    def clip(grads):
        return jax.tree.map(lambda g: jnp.clip(g, -0.01, 0.01), grads)

    update = jax.jit(optimizer.update)

    def loop(told):
        params = make_params()
        state = optimizer.init(params)
        for x, y in zip(inputs, labels, strict=True):
            loss, grads = gradients(params, x, y)
            clipped = clip(grads)
            if told:
                norms = [float(optax.tree.norm(tree)) for tree in (grads, clipped)]
                print("step", float(loss), *norms)
            updates, state = update(clipped, state, params)
            params = optax.apply_updates(params, updates)
        return params

    if SHOW:
        loop(told=True)
    return loop(told=False)


def within():
    """Clipped by hand within one compiled step."""

    def halved(grads):
        return jax.tree.map(lambda g: jnp.clip(g, -0.01, 0.01), grads)

    optimizer = optax.sgd(0.1)

    @jax.jit
    def train_step(params, state, x, y):
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = optimizer.update(halved(grads), state, params)
        return optax.apply_updates(params, updates), state, loss

    if SHOW:
        clip = optax.stateless(lambda updates, _: halved(updates))
        show(optax.chain(clip, optax.sgd(0.1)), clip)
    params = make_params()
    state = optimizer.init(params)
    for x, y in zip(inputs, labels, strict=True):
        params, state, _ = train_step(params, state, x, y)
    return params


params = globals()[sys.argv[1]]()
print("final", b"".join(np.asarray(p).tobytes() for p in jax.tree.leaves(params)).hex())
