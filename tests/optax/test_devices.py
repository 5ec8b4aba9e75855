"""Policies over several devices: replicas, shards, and arrays that lie on all of them."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.jax
PROGRAM = """
    import jax, jax.numpy as jnp, numpy as np, optax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
    import gradclip, gradclip.optax
    from gradclip.optax import clip, clipped, report

    assert jax.device_count() == 2
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    params = {"b": jnp.zeros(()), "w": jnp.array([3.0, 4.0])}
    data = jnp.array([1.0, 2.0, 3.0, 6.0])
    batches = [data, 2 * data, data, data.at[3].set(jnp.nan), 30 * data, data]

    def loss(params, x):
        return jnp.mean(x) * (jnp.sum(params["w"] ** 2) + (params["b"] - 12) ** 2)

    def run(transformation, wrap, params, batches, reduce=lambda grads: grads):
        def step(params, state, x):
            grads = reduce(jax.grad(loss)(params, x))
            updates, state = transformation.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        step, state = wrap(step), jax.jit(transformation.init)(params)
        for x in batches:
            params, state = step(params, state, x)
        return params, report(state)

    def same(left, right):
        def close(a, b):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

        jax.tree.map(close, left, right)

    resetting = gradclip.SPAM(warmup=2, threshold=2.0, reset_every=4)
    both = gradclip.Chain(gradclip.AdaGC(warmup=2), gradclip.UpdateRMS())
    for transformation in (
        optax.chain(clip(gradclip.ZClip(warmup=2)), optax.sgd(0.01)),
        clipped(optax.adam(0.01), resetting),
        clipped(optax.adam(0.01), both),
    ):
        alone = run(transformation, jax.jit, params, batches)

        shards = [x.reshape(2, 2) for x in batches]
        replicas = lambda f: jax.pmap(f, "data", in_axes=(None, None, 0), out_axes=None)
        mean = lambda grads: jax.lax.pmean(grads, "data")
        same(alone, run(transformation, replicas, params, shards, mean))

        specs = {"in_specs": (P(), P(), P("data")), "out_specs": (P(), P())}
        shard_map = lambda f: jax.jit(jax.shard_map(f, mesh=mesh, **specs))
        halves = lambda grads: jax.tree.map(lambda g: g / 2, grads)  # the sum is JAX's own
        same(alone, run(transformation, shard_map, params, batches, halves))

        split = NamedSharding(mesh, P("data"))
        spread = jax.device_put(params, {"b": NamedSharding(mesh, P()), "w": split})
        there = run(transformation, jax.jit, spread, jax.device_put(batches, split))
        same(alone, there)
        assert there[0]["w"].sharding.is_equivalent_to(spread["w"].sharding, 1)

    explicit = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Explicit,))
    grads = {"w": jax.device_put(3 * jnp.ones((4, 4)), NamedSharding(explicit, P("data")))}
    spam = gradclip.SPAM(reset_every=None)
    for policy in ("global-norm=1", "norm=1", "value=0.1", "agc=0.01", "adagc", spam):
        clipping = clip(policy)
        updates, state = jax.jit(clipping.update)(grads, clipping.init(grads), grads)
        assert updates["w"].sharding.spec == P("data", None), policy
        assert float(report(state).norm_before) == 12, policy
"""


@pytest.mark.long
def test_replicas_shards_and_sharded_arrays_train_as_one_device_does():
    environment = {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
