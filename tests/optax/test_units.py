"""Adaptive clipping by optax's conventions of what a unit is."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip.optax

pytestmark = pytest.mark.jax
AXES = {  # what one unit extends over, by optax's documentation
    (): (),
    (7,): (0,),
    (1, 7): (0, 1),
    (5, 3): (0,),
    (2, 5, 3): (0,),
    (2, 3, 4, 5): (0, 1, 2),
    (2, 3, 2, 3, 4): (0, 1, 2, 3),
}
SHAPES = list(AXES)


def normal(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def norms(x, axes):
    x = np.asarray(x, np.float64)
    return np.broadcast_to(np.sqrt(np.sum(x**2, axis=axes, keepdims=True)), x.shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_of_units_follow_optax(shape):
    x = normal(shape)
    ours = gradclip.optax.unitwise_norm(x)
    assert ours.shape == shape
    np.testing.assert_allclose(ours, norms(x, AXES[shape]), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, -1, (0, 1), (0, 2)])
def test_axes_can_be_named(axis):
    x = normal((2, 3, 4))
    ours = gradclip.optax.unitwise_norm(x, axis)
    np.testing.assert_allclose(ours, norms(x, axis), rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("clipping", [0.01, 0.5, 100.0])
def test_adaptive_clipping_agrees_with_optax(shape, clipping):
    params, grads = normal(shape), normal(shape, seed=1)
    ours, theirs = (m.adaptive_grad_clip(clipping) for m in (gradclip.optax, optax))
    result = ours.update(grads, ours.init(params), params)[0]
    expected = theirs.update(grads, theirs.init(params), params)[0]
    np.testing.assert_allclose(result, expected, rtol=2e-6)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_no_unit_exceeds_its_share_and_a_second_clip_changes_little(axis):
    params = {"w": normal((4, 6)), "b": normal((6,))}
    grads = {"w": 100 * normal((4, 6), 1), "b": 1e-6 * normal((6,), 2)}
    axes = axis if axis in {None, 0} else None
    clipping = gradclip.optax.adaptive_grad_clip(0.1, axis=axes)
    once = clipping.update(grads, clipping.init(params), params)[0]
    share = jax.tree.map(
        lambda g, p: gradclip.optax.unitwise_norm(g, axes) / gradclip.optax.unitwise_norm(p, axes),
        once,
        params,
    )
    assert float(share["w"].max()) == pytest.approx(0.1, rel=1e-6)
    np.testing.assert_array_equal(once["b"], grads["b"])


def test_parameters_of_zero_can_learn():
    clipping = gradclip.optax.adaptive_grad_clip(0.5, eps=0.01)
    params = jnp.zeros((3, 2))
    result = clipping.update(jnp.ones((3, 2)), clipping.init(params), params)[0]
    np.testing.assert_allclose(jnp.linalg.norm(result, axis=0), 0.005, rtol=1e-6)


def test_missing_parameters_are_named():
    clipping = gradclip.optax.adaptive_grad_clip(0.5)
    with pytest.raises(ValueError, match="`params` must be given"):
        clipping.update(jnp.ones(2), clipping.init(None))


def test_more_than_five_axes_need_names():
    with pytest.raises(ValueError, match="more than 5 axes"):
        gradclip.optax.unitwise_norm(jnp.ones((2, 2, 2, 2, 2, 2)))
    named = gradclip.optax.unitwise_norm(jnp.ones((2, 2, 2, 2, 2, 2)), (0, 1))
    assert float(named[0, 0, 0, 0, 0, 0]) == 2.0


@pytest.mark.parametrize(("clipping", "eps"), [(-0.1, 1e-3), (0.1, -1.0), (float("nan"), 0.0)])
def test_bad_thresholds_are_refused(clipping, eps):
    with pytest.raises(ValueError, match="must be >= 0"):
        gradclip.optax.adaptive_grad_clip(clipping, eps)


def test_frozen_and_missing_leaves_pass_under_jit():
    params = {"w": jnp.array([6.0, 8.0]), "off": None, "frozen": optax.MaskedNode()}
    grads = {"w": jnp.array([3.0, 4.0]), "off": None, "frozen": optax.MaskedNode()}
    clipping = gradclip.optax.adaptive_grad_clip(0.1)
    result = jax.jit(clipping.update)(grads, clipping.init(params), params)[0]
    np.testing.assert_allclose(result["w"], [0.6, 0.8], rtol=1e-6)
    assert result["off"] is None
