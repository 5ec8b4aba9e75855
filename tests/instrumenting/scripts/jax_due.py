"""One step, compiled in ways that can be told when to look at weights, and in some that cannot."""

from functools import partial

import jax
import jax.numpy as jnp
import optax

optimizer = optax.adam(1e-2)
inputs = jnp.ones((4, 8))


def step(kind, params, state):
    def loss_of(params):
        return ((inputs @ params["w"]) ** 2).mean() * (2 if kind == "double" else 1)

    updates, state = optimizer.update(jax.grad(loss_of)(params), state, params)
    return optax.apply_updates(params, updates), state


def body(_, carry):
    return compiled(*carry)


compiled = jax.jit(partial(step, "once"))
static = jax.jit(step, static_argnums=0, donate_argnums=(1, 2))
sharded = jax.jit(partial(step, "once"), in_shardings=(None, None))
loop = jax.jit(lambda *carry: jax.lax.fori_loop(0, 11, body, carry))
scan = jax.jit(lambda *c: jax.lax.scan(lambda c, _: (body(0, c), None), c, None, length=7)[0])

params = {"w": jnp.ones((8, 16))}
carry = params, optimizer.init(params)
for times, function in [
    (12, partial(static, "double")), (10, sharded), (11, compiled), (1, loop), (4, scan),
]:  # fmt: skip
    for _ in range(times):
        carry = function(*carry)
jax.block_until_ready(carry)
