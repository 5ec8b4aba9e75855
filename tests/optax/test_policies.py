"""Policies as links of optax's chains, and in all that optax wraps around a transformation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip
import gradclip.optax
from gradclip.errors import ConfigurationError, NonFiniteGradientError

pytestmark = pytest.mark.jax
EVERY_POLICY = [
    gradclip.Value(0.1),
    gradclip.Norm(0.5),
    gradclip.AverageNorm(0.1),
    gradclip.GlobalNorm(0.5),
    gradclip.BlockRMS(0.1),
    gradclip.AdaptiveGradientClipping(0.1),
    gradclip.AutoClip(window=4),
    gradclip.ZClip(warmup=2),
    gradclip.AdaGC(warmup=2),
    gradclip.SPAM(threshold=2.0, warmup=2),
    gradclip.Chain(gradclip.ZClip(warmup=2), gradclip.GlobalNorm(1.0)),
    gradclip.PerGroup({"bias": None, "*": gradclip.Norm(0.5)}),
    gradclip.Clip(limit=0.5, granularity="layer", action="drop"),
]
every_policy = pytest.mark.parametrize("policy", EVERY_POLICY, ids=lambda p: type(p).__name__)
every_way = pytest.mark.parametrize(
    "wrap",
    [lambda f: f, jax.jit, partial(jax.jit, donate_argnums=(0, 1))],
    ids=["eager", "jit", "donated"],
)
NAN = float("nan")


def params():
    return {
        "dense": {"kernel": jnp.array([[3.0, 1.0], [0.0, 4.0]]), "bias": jnp.array([0.5, -0.5])},
        "head": jnp.array([1.0, 2.0]),
    }


def loss(params, scale=1.0):
    hidden = params["dense"]["kernel"] @ params["head"] + params["dense"]["bias"]
    return scale * jnp.sum(hidden**2) / 100


def train(transformation, scales=(1.0, 2.0, 0.5, 30.0, 1.0), wrap=jax.jit, start=params):
    current = start()
    state = transformation.init(current)

    def step(current, state, scale):
        grads = jax.grad(loss)(current, scale)
        updates, state = transformation.update(grads, state, current)
        return optax.apply_updates(current, updates), state

    step = wrap(step)
    for scale in scales:
        current, state = step(current, state, scale)
    return current, state


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(np.testing.assert_array_equal, left, right)


def assert_close(left, right, rtol=1e-6):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7), left, right)


def by_numpy(policy, scales):
    """Train by hand with the same policy in NumPy."""
    clipper = gradclip.numpy.Clipper(policy)
    current = params()
    leaves, structure = jax.tree.flatten(current)
    names = ("dense.bias", "dense.kernel", "head")
    for scale in scales:
        grads = [np.asarray(g) for g in jax.tree.leaves(jax.grad(loss)(current, scale))]
        clipped = clipper(grads, [np.asarray(leaf) for leaf in leaves], names)
        leaves = [leaf - 0.1 * g for leaf, g in zip(leaves, clipped, strict=True)]
        current = jax.tree.unflatten(structure, leaves)
    return current


@every_policy
@every_way
def test_a_chain_trains_as_the_policy_does_in_numpy(policy, wrap):
    scales = (1.0, 2.0, 0.5, 30.0, 1.0, NAN, 1.0)
    chain = optax.chain(gradclip.optax.clip(policy), optax.sgd(0.1))
    trained, state = train(chain, scales, wrap)
    assert_close(trained, by_numpy(policy, scales), rtol=1e-5)
    assert int(state[0].skipped) >= 1


@every_policy
def test_the_state_keeps_its_structure_and_types(policy):
    before = gradclip.optax.clip(policy).init(params())
    _, after = train(gradclip.optax.clip(policy))
    assert jax.tree.structure(before) == jax.tree.structure(after)
    kinds = jax.tree.map(lambda x: (x.shape, x.dtype), before)
    assert kinds == jax.tree.map(lambda x: (x.shape, x.dtype), after)
    assert {x.dtype for x in jax.tree.leaves(after)} <= {jnp.dtype("float32"), jnp.dtype("int32")}


def test_texts_functions_and_none_are_policies():
    halved = gradclip.optax.clip(lambda grads: [g / 2 for g in grads])
    for transformation, factor in ((halved, 0.5), (gradclip.optax.clip(None), 1.0)):
        updates, _ = transformation.update(params(), transformation.init(params()))
        assert_same(updates, jax.tree.map(lambda x, factor=factor: factor * x, params()))
    named = gradclip.optax.clip("global-norm=0.5")
    assert_same(train(named), train(gradclip.optax.clip(gradclip.GlobalNorm(0.5))))


def test_a_scanned_loop_is_the_loop():
    chain = optax.chain(gradclip.optax.clip(gradclip.ZClip(warmup=2)), optax.adam(0.1))
    scales = jnp.array([1.0, 2.0, 30.0, NAN, 1.0])

    def body(carry, scale):
        current, state = carry
        updates, state = chain.update(jax.grad(loss)(current, scale), state, current)
        return (optax.apply_updates(current, updates), state), gradclip.optax.report(state)

    start = (params(), chain.init(params()))
    (current, _), reports = jax.jit(partial(jax.lax.scan, body))(start, scales)
    assert_close(current, train(chain, scales)[0])
    assert reports.names == ("dense.bias", "dense.kernel", "head")
    assert reports.skipped.tolist() == [False, False, False, True, False]
    assert reports.parts_before.shape == (5, 3)


def test_mapped_replicas_clip_each_for_themselves():
    clipping = gradclip.optax.clip(gradclip.GlobalNorm(1.0), max_skipped=2)
    grads = {"w": jnp.array([[3.0, 4.0], [NAN, 1.0], [0.3, 0.4]])}
    state = clipping.init({"w": jnp.zeros(2)})
    updates, states = jax.vmap(clipping.update, in_axes=(0, None))(grads, state)
    np.testing.assert_allclose(updates["w"], [[0.6, 0.8], [0, 0], [0.3, 0.4]], rtol=1e-6)
    assert states.skipped.tolist() == [0, 1, 0]


def test_partitioned_parameters_have_policies_of_their_own():
    labels = {"dense": "body", "head": "head"}
    both = optax.partition(
        {
            "body": optax.chain(gradclip.optax.clip(gradclip.GlobalNorm(0.5)), optax.sgd(0.1)),
            "head": optax.chain(gradclip.optax.clip(gradclip.Norm(0.1)), optax.sgd(0.1)),
        },
        labels,
    )
    trained, state = train(both, (30.0,))
    moved = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), params(), trained)
    assert np.linalg.norm(moved["head"]) == pytest.approx(0.01, rel=1e-5)
    assert float(optax.tree.norm(moved["dense"])) == pytest.approx(0.05, rel=1e-5)
    found = gradclip.optax.reports(state)
    assert [r.names for r in found.values()] == [("dense.bias", "dense.kernel"), ("head",)]


def test_masked_parameters_are_left_alone():
    mask = {"dense": {"kernel": True, "bias": False}, "head": True}
    clipping = optax.masked(gradclip.optax.clip(gradclip.GlobalNorm(1.0)), mask)
    updates, state = clipping.update(params(), clipping.init(params()))
    assert_same(updates["dense"]["bias"], params()["dense"]["bias"])
    assert float(gradclip.optax.report(state).norm_before) == pytest.approx(31**0.5)
    assert gradclip.optax.report(state).names == ("dense.kernel", "head")


@every_way
def test_accumulated_gradients_are_clipped_once(wrap):
    inner = optax.chain(gradclip.optax.clip(gradclip.GlobalNorm(0.5)), optax.sgd(0.1))
    steps = optax.MultiSteps(inner, 2)
    trained, state = train(steps, (10.0, 30.0, 10.0, 30.0), wrap)
    assert_close(trained, train(inner, (20.0, 20.0))[0])
    clipping = state.inner_opt_state[0]
    assert int(clipping.policy.step) == 2


@every_way
def test_thresholds_can_be_injected_and_changed(wrap):
    injected = optax.inject_hyperparams(
        lambda max_norm: gradclip.optax.clip(gradclip.GlobalNorm(max_norm))
    )(1.0)
    update = wrap(injected.update)
    grads = {"w": jnp.array([3.0, 4.0])}
    state = injected.init(grads)
    updates, state = update(jax.tree.map(jnp.copy, grads), state)
    np.testing.assert_allclose(updates["w"], [0.6, 0.8], rtol=1e-6)
    state.hyperparams["max_norm"] = jnp.float32(2.5)
    updates, state = update(jax.tree.map(jnp.copy, grads), state)
    np.testing.assert_allclose(updates["w"], [1.5, 2.0], rtol=1e-6)
    assert float(gradclip.optax.report(state).limit) == 2.5


def test_a_policy_itself_can_be_handed_through_injection():
    injected = optax.inject_hyperparams(gradclip.optax.clip)(gradclip.ZClip(warmup=2))
    assert_same(train(injected)[0], train(gradclip.optax.clip(gradclip.ZClip(warmup=2)))[0])


def test_optax_counts_what_is_not_finite_itself():
    inner = optax.chain(gradclip.optax.clip("global-norm=1"), optax.adam(0.1))
    guarded = optax.apply_if_finite(inner, 5)
    good, _ = train(guarded, (1.0, 2.0))
    bad, state = train(guarded, (1.0, NAN, 2.0))
    assert_same(good, bad)
    assert int(state.total_notfinite) == 1
    assert int(gradclip.optax.report(state).skipped) == 0


def test_what_is_propagated_is_seen_by_optax():
    clipping = gradclip.optax.clip("global-norm=1", nonfinite="propagate")
    guarded = optax.chain(clipping, optax.apply_if_finite(optax.adam(0.1), 5))
    assert_same(train(guarded, (1.0, 2.0))[0], train(guarded, (1.0, NAN, 2.0))[0])


def test_zeros_stand_in_for_bad_tensors_alone():
    clipping = gradclip.optax.clip("global-norm=1", nonfinite="zero")
    grads = {"a": jnp.array([3.0, 4.0]), "b": jnp.array([NAN, 1.0])}
    updates, state = clipping.update(grads, clipping.init(grads))
    np.testing.assert_allclose(updates["a"], [0.6, 0.8], rtol=1e-6)
    assert updates["b"].tolist() == [0.0, 0.0]
    assert int(state.skipped) == 0


def test_raise_names_the_parameter():
    clipping = gradclip.optax.clip("global-norm=1", nonfinite="raise")
    with pytest.raises(NonFiniteGradientError, match=r"dense\.kernel, head"):
        train(clipping, (NAN,), wrap=lambda f: f)


def test_too_many_skipped_steps_stop_the_run():
    clipping = gradclip.optax.clip("global-norm=1", max_skipped=3)
    with pytest.raises(NonFiniteGradientError, match="3 steps in a row"):
        train(clipping, (NAN,) * 3, wrap=lambda f: f)

    def wait():
        train(clipping, (NAN,) * 3)
        jax.effects_barrier()

    with pytest.raises(jax.errors.JaxRuntimeError, match="3 steps in a row"):
        wait()


def test_none_integers_and_half_precision_keep_their_places_and_types():
    grads = {"a": None, "b": jnp.array([3, 4]), "c": jnp.array([3.0, 4.0], jnp.bfloat16)}
    clipping = gradclip.optax.clip("global-norm=1")
    updates, state = jax.jit(clipping.update)(grads, clipping.init(grads))
    assert updates["a"] is None
    assert updates["b"].tolist() == [3, 4]
    assert updates["c"].dtype == jnp.bfloat16
    np.testing.assert_allclose(updates["c"].astype(jnp.float32), [0.6, 0.8], rtol=4e-3)
    assert gradclip.optax.report(state).parts() == {
        "a": (0.0, 0.0),
        "b": (0.0, 0.0),
        "c": (5.0, 1.0),
    }


def test_gradients_of_other_parameters_are_refused():
    clipping = gradclip.optax.clip("global-norm=1")
    state = clipping.init(params())
    with pytest.raises(ConfigurationError, match="for each of 3 parameters, got 1"):
        clipping.update({"head": jnp.ones(2)}, state)
    with pytest.raises(ConfigurationError, match="got None"):
        clipping.init(None)
    relative = gradclip.optax.clip("agc=0.1")
    with pytest.raises(ConfigurationError, match="needs `variables`"):
        relative.update(params(), relative.init(params()))


def test_optax_maps_over_what_is_like_the_parameters():
    chain = optax.chain(gradclip.optax.clip("zclip"), optax.adam(0.1))
    state = chain.init(params())
    doubled = optax.tree.map_params(chain, lambda x: x + 1, state)
    assert_same(doubled[0], state[0])
    assert_same(doubled[1][0].mu, jax.tree.map(jnp.ones_like, params()))


@every_policy
def test_half_precision_parameters_keep_their_type_and_the_state_its_own(policy):
    def start():
        return jax.tree.map(lambda x: x.astype(jnp.bfloat16), params())

    chain = optax.chain(gradclip.optax.clip(policy), optax.sgd(0.1))
    trained, state = train(chain, start=start)
    assert {x.dtype for x in jax.tree.leaves(trained)} == {jnp.dtype("bfloat16")}
    assert {x.dtype for x in jax.tree.leaves(state)} <= {jnp.dtype("float32"), jnp.dtype("int32")}


@every_policy
def test_double_precision_is_kept_where_it_is_switched_on(policy):
    with jax.enable_x64(True):  # noqa: FBT003 - JAX's signature

        def start():
            return jax.tree.map(lambda x: x.astype(jnp.float64), params())

        chain = optax.chain(gradclip.optax.clip(policy), optax.sgd(0.1))
        trained, state = train(chain, start=start)
        assert {x.dtype for x in jax.tree.leaves(trained)} == {jnp.dtype("float64")}
        kinds = {x.dtype for x in jax.tree.leaves(state)}
        assert kinds <= {jnp.dtype("float32"), jnp.dtype("int32")}
        assert_close(trained, by_numpy(policy, (1.0, 2.0, 0.5, 30.0, 1.0)), rtol=1e-6)
