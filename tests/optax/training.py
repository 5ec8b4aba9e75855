"""What the tests on other libraries share: policies that learn, and a small problem."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip
import gradclip.optax

POLICIES = [
    gradclip.ZClip(warmup=2),
    gradclip.AdaGC(warmup=2),
    gradclip.AutoClip(window=4),
    gradclip.SPAM(warmup=2, threshold=2.0),
]
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda p: type(p).__name__)
INPUTS = jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)
TARGETS = jnp.array([[0.0], [1.0], [1.0], [0.0]])


def optimizer(policy):
    return gradclip.optax.clipped(optax.adam(0.05), policy)


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def squared_error(predicted):
    return jnp.mean((predicted - TARGETS) ** 2)


def trained(policy, steps):
    params = {"dense": {"kernel": jnp.ones((2, 4)), "bias": jnp.zeros(4)}, "head": jnp.ones(4)}
    transformation = optimizer(policy)
    state = transformation.init(params)
    step = jax.jit(transformation.update)
    for i in range(steps):
        grads = jax.tree.map(lambda p, i=i: (p + 1) * (1.0 + 0.1 * i), params)
        updates, state = step(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params, state
