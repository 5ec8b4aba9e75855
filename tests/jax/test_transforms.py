"""Clipping within JAX's transformations: float64 never leaves it, and derivatives are right."""

import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import export, lax

import gradclip.jax
import gradclip.optax

pytestmark = pytest.mark.jax
X = jnp.array([3.0, 4.0])
BATCH = jnp.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])


def clip(x, limit=1.0):
    clipped, norm = gradclip.jax.clip_by_global_norm([x], limit)
    return clipped[0], norm


def loss(x):
    return jnp.sum(clip(x)[0] * jnp.array([1.0, 2.0]))


def scanned(x):
    last, norms = lax.scan(lambda c, _: clip(1.5 * c, 5.0), x, None, length=4)
    return jnp.sum(last * jnp.array([1.0, 2.0])) + 0 * norms.sum()


SLOPE = [-0.064, 0.048]  # of loss at X: (w - (w.u) u) / 5 for u = (0.6, 0.8), w = (1, 2)
DERIVATIVES = {
    "grad": jax.grad(loss),
    "jit of grad": jax.jit(jax.grad(loss)),
    "grad of jit": jax.grad(jax.jit(loss)),
    "forward": jax.jacfwd(loss),
    "checkpoint": jax.jit(jax.grad(jax.checkpoint(loss))),
    "vmap of grad": lambda x: jax.vmap(jax.grad(loss))(x[None])[0],
    "grad of vmap": lambda x: jax.grad(lambda b: jax.vmap(loss)(b).sum())(x[None])[0],
    "grad of cond": jax.grad(lambda x: lax.cond(x[0] > 0, loss, jnp.sum, x)),
    "linearize": lambda x: jax.jacfwd(jax.linearize(loss, x)[1])(x),
}


@pytest.mark.parametrize("derivative", DERIVATIVES.values(), ids=DERIVATIVES)
def test_derivatives_are_right_and_float32(derivative):
    slope = derivative(X)
    assert slope.dtype == jnp.float32
    np.testing.assert_allclose(slope, SLOPE, rtol=1e-5)


def test_second_derivatives_are_right():
    for hessian in (jax.hessian(loss), jax.jit(jax.jacrev(jax.jacrev(loss)))):
        np.testing.assert_allclose(
            hessian(X), [[-0.04096, 0.04672], [0.04672, -0.04704]], rtol=1e-4
        )


@pytest.mark.parametrize(
    "derivative", [jax.grad, lambda f: jax.jit(jax.grad(f)), lambda f: jax.grad(jax.checkpoint(f))]
)
def test_derivatives_through_a_scan_keep_float32_residuals_apart(derivative):
    np.testing.assert_allclose(derivative(scanned)(X), [-0.32, 0.24], rtol=1e-5)


def test_the_derivative_by_a_threshold_is_the_direction():
    slope = jax.grad(lambda limit: clip(X, limit)[0].sum())(1.0)
    assert float(slope) == pytest.approx(1.4)


def test_loops_carry_float32():
    def body(carry):
        return clip(0.9 * carry[0], 4.0)

    last, norm = lax.while_loop(lambda carry: carry[1] > 1.5, body, (X, jnp.float32(9)))
    assert last.dtype == norm.dtype == jnp.float32
    assert float(lax.fori_loop(0, 3, lambda _, c: clip(c)[0], X)[0]) == pytest.approx(0.6)


def test_mapped_rows_are_clipped_each_by_itself():
    clipped, norms = jax.vmap(clip)(BATCH)
    np.testing.assert_allclose(norms, [5.0, 0.5, 0.0])
    np.testing.assert_allclose(clipped, [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], rtol=1e-6)
    np.testing.assert_array_equal(clipped[1:], BATCH[1:])
    slopes = jax.vmap(jax.grad(loss))(BATCH)
    np.testing.assert_allclose(slopes[1:], [[1.0, 2.0], [1.0, 2.0]])


def test_exported_programs_run_elsewhere():
    shape = jax.ShapeDtypeStruct((2,), jnp.float32)
    for function in (clip, jax.grad(scanned)):
        exported = export.export(jax.jit(function))(shape)
        again = export.deserialize(exported.serialize())
        jax.tree.map(np.testing.assert_array_equal, again.call(X), jax.jit(function)(X))


def test_denormals_survive_a_compiled_program():
    tiny = np.array([1e-40, -3e-45, 2e-38], np.float32)
    clipped, norm = jax.jit(clip)(tiny, 1e-30)
    assert np.asarray(clipped).tobytes() == tiny.tobytes()
    assert float(norm) == pytest.approx(2e-38, rel=1e-4)
    clipped, _ = jax.jit(clip)(tiny, 1e-38)
    np.testing.assert_allclose(np.asarray(clipped), tiny / 2, rtol=1e-4, atol=2e-45)


def test_a_donated_buffer_is_reused():
    x = jnp.array([3.0, 4.0])
    clipped, _ = jax.jit(clip, donate_argnums=0)(x)
    assert x.is_deleted()
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-6)


def test_within_a_donated_step_no_clipped_copy_is_written():
    adam = optax.chain(gradclip.optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    params = [jnp.ones((64, 64)), jnp.ones((32, 8, 3, 3))]

    def step(params, state, grads):
        updates, state = adam.update(grads, state)
        return optax.apply_updates(params, updates), state

    donating = jax.jit(step, donate_argnums=(0, 1))
    program = donating.lower(params, adam.init(params), params).compile()
    assert program.memory_analysis().temp_size_in_bytes < params[1].nbytes


def test_strict_promotion_is_kept():
    with jax.numpy_dtype_promotion("strict"):
        clipped, norm = jax.jit(clip)(X, 1.0)
        assert float(norm) == 5.0
        assert gradclip.jax.clip_by_average_norm(X, 1.0).dtype == clipped.dtype


def test_eager_use_compiles_once_whatever_the_threshold():
    compilations = []

    def listen(event, _duration, **_):
        if "backend_compile" in event:
            compilations.append(event)

    x = jnp.arange(1237.0)
    clip(x, 1.0)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for limit in (1.0, 2.0, 1e9, 0.0):
            clip(x, limit)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compilations == []


DEVICES = """
    import jax, jax.numpy as jnp, numpy as np
    from jax.sharding import NamedSharding, PartitionSpec as P
    from gradclip.jax import clip_by_global_norm, clip_by_norm, gradient_statistics

    assert jax.device_count() == 2
    mesh = jax.make_mesh((2,), ("data",))
    whole = jax.device_put(jnp.array([3.0, 4.0]), NamedSharding(mesh, P("data")))
    for clip in (clip_by_norm, jax.jit(clip_by_norm)):
        clipped = clip(whole, 1.0)
        np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-6)
        assert clipped.sharding.is_equivalent_to(whole.sharding, 1)

    one, other = jax.devices()
    apart = [jax.device_put(jnp.array([3.0]), one), jax.device_put(jnp.array([4.0]), other), whole]
    clipped, norm = clip_by_global_norm(apart, 5.0)
    np.testing.assert_allclose(float(norm), 50**0.5, rtol=1e-6)
    assert [c.devices() for c in clipped] == [a.devices() for a in apart]

    for measure in (gradient_statistics, jax.jit(gradient_statistics)):
        found = measure([jax.device_put(jnp.array([3.0, 0, 4, jnp.nan]), whole.sharding), whole])
        assert [x.tolist() for x in found[3:]] == [[1, 0], [1, 0]]
        np.testing.assert_array_equal(found.largest, [jnp.nan, 4.0])
    found = gradient_statistics([*apart, None])
    assert [x.tolist() for x in found[1:3]] == [[3.0, 4.0, 5.0, 0.0], [3.0, 4.0, 4.0, 0.0]]

    rows = jnp.array([[3.0, 4.0], [6.0, 8.0]])
    np.testing.assert_allclose(jax.pmap(lambda r: clip_by_norm(r, 5.0))(rows)[1], [3, 4])
    each = jax.shard_map(
        lambda r: clip_by_norm(r, 5.0), mesh=mesh, in_specs=P("data"), out_specs=P("data")
    )
    rows = jax.device_put(rows, NamedSharding(mesh, P("data")))
    np.testing.assert_allclose(np.asarray(jax.jit(each)(rows))[1], [3, 4])
    slope = jax.jit(jax.grad(lambda r: each(r).sum()))(rows)
    np.testing.assert_allclose(np.asarray(slope)[1], [0.08, -0.06], rtol=1e-5)
"""


def test_devices_and_shards_are_no_obstacle():
    environment = {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(DEVICES)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
