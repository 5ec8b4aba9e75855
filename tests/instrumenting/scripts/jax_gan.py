"""Two networks in one loop, with the same names; how they are trained, the first argument says."""

import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

KIND = sys.argv[1]
STEPS, EVERY = 12, 3  # a generator trained as a "critic" demands steps at every third one
SHOW = os.environ.get("SHOW")
rng = np.random.default_rng(0)
real = jnp.asarray(rng.normal(size=(STEPS, 16, 4)), jnp.float32)
noise = jnp.asarray(rng.normal(size=(STEPS, 16, 4 if KIND == "twins" else 3)), jnp.float32)
norm = optax.tree.norm


def network(num_inputs, num_outputs):
    size = num_inputs, num_outputs
    w = jnp.asarray(rng.normal(size=size) / num_inputs**0.5, jnp.float32)
    return {"w": w, "b": jnp.zeros(num_outputs)}


def forward(params, x):
    return jnp.tanh(x @ params["w"] + params["b"])


def d_loss_of(d_params, g_params, x, z):
    judged, fooled = forward(d_params, x), forward(d_params, forward(g_params, z))
    return jnp.mean((judged - 1) ** 2) + jnp.mean(fooled**2)


def g_loss_of(g_params, d_params, z):
    return jnp.mean((forward(d_params, forward(g_params, z)) - 1) ** 2)


d_params, g_params = network(4, 4 if KIND == "twins" else 1), network(noise.shape[-1], 4)
d_optimizer = optax.adam(1e-2)
g_optimizer = d_optimizer if KIND == "shared" else optax.chain(optax.clip(0.01), optax.sgd(0.1))


def d_step(d_params, d_state, g_params, x, z):
    loss, grads = jax.value_and_grad(d_loss_of)(d_params, g_params, x, z)
    updates, d_state = d_optimizer.update(grads, d_state, d_params)
    return optax.apply_updates(d_params, updates), d_state, (loss, norm(grads))


def g_step(g_params, g_state, d_params, z):
    loss, grads = jax.value_and_grad(g_loss_of)(g_params, d_params, z)
    updates, g_state = g_optimizer.update(grads, g_state, g_params)
    if KIND != "shared":
        clipped = jax.tree.map(lambda g: jnp.clip(g, -0.01, 0.01), grads)
    return optax.apply_updates(g_params, updates), g_state, (
        loss, norm(grads), norm(grads if KIND == "shared" else clipped),
    )  # fmt: skip


@jax.jit
def both(d_params, d_state, g_params, g_state, x, z):
    """Compute both gradients before both steps."""
    d_loss, d_grads = jax.value_and_grad(d_loss_of)(d_params, g_params, x, z)
    g_loss, g_grads = jax.value_and_grad(g_loss_of)(g_params, d_params, z)
    d_updates, d_state = d_optimizer.update(d_grads, d_state, d_params)
    g_updates, g_state = g_optimizer.update(g_grads, g_state, g_params)
    clipped = jax.tree.map(lambda g: jnp.clip(g, -0.01, 0.01), g_grads)
    d_params = optax.apply_updates(d_params, d_updates)
    g_params = optax.apply_updates(g_params, g_updates)
    told = (d_loss, norm(d_grads)), (g_loss, norm(g_grads), norm(clipped))
    return d_params, d_state, g_params, g_state, told


def tell(d_told, g_told):
    if SHOW:
        loss = float(d_told[0]) + (float(g_told[0]) if g_told else 0.0)
        squares = float(d_told[1]) ** 2
        before, after = (squares + float(n) ** 2 for n in (g_told[1:] if g_told else (0, 0)))
        print("step", loss, before**0.5, after**0.5)


d_state, g_state = d_optimizer.init(d_params), g_optimizer.init(g_params)
d_compiled, g_compiled = jax.jit(d_step), jax.jit(g_step)
for i, (x, z) in enumerate(zip(real, noise, strict=True)):
    if KIND in {"together", "twins"}:
        *trained, told = both(d_params, d_state, g_params, g_state, x, z)
        d_params, d_state, g_params, g_state = trained
        tell(*told)
        continue
    d_params, d_state, d_told = d_compiled(d_params, d_state, g_params, x, z)
    g_told = None
    if KIND != "critic" or i % EVERY == EVERY - 1:
        g_params, g_state, g_told = g_compiled(g_params, g_state, d_params, z)
    tell(d_told, g_told)
leaves = jax.tree.leaves((d_params, g_params))
print("final", b"".join(np.asarray(p).tobytes() for p in leaves).hex())
