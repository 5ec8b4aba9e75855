"""Equivalents of optax's own clipping tests, and the places where chains use them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip.optax

pytestmark = pytest.mark.jax
KINDS = {
    "clip": gradclip.optax.clip,
    "block-rms": gradclip.optax.clip_by_block_rms,
    "global-norm": gradclip.optax.clip_by_global_norm,
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def updates():
    return [
        jnp.linspace(-5.0, 5.0, 12).reshape(3, 4),
        {"a": jnp.array([0.5, -7.0]), "b": jnp.array(3.0)},
    ]


def clipped(transformation, tree, params=None):
    return transformation.update(tree, transformation.init(params), params)[0]


def assert_close(left, right, rtol=1e-6):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol), left, right)


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(np.testing.assert_array_equal, left, right)


def rms(x):
    return float(np.sqrt(np.mean(np.square(np.asarray(x, np.float64)))))


@every_kind
@pytest.mark.parametrize("threshold", [0.1, 1.0, 4.0, 1e3])
def test_results_agree_with_optax_where_optax_is_right(make, threshold):
    theirs = getattr(optax, make.__name__)(threshold)
    assert_close(clipped(make(threshold), updates()), clipped(theirs, updates()))


def test_clip_limits_entries_on_both_sides():
    low, high = clipped(gradclip.optax.clip(0.5), [jnp.array([-3.0, -0.2]), jnp.array([0.2, 9.0])])
    assert low.tolist() == [-0.5, pytest.approx(-0.2)]
    assert high.tolist() == [pytest.approx(0.2), 0.5]


@pytest.mark.parametrize("step", range(1, 6))
def test_each_block_is_brought_to_the_root_mean_square(step):
    clipping = gradclip.optax.clip_by_block_rms(1 / step)
    once = clipped(clipping, updates())
    assert all(rms(leaf) == pytest.approx(1 / step, rel=1e-6) for leaf in jax.tree.leaves(once))
    assert_close(clipped(clipping, once), once)


@pytest.mark.parametrize("step", range(1, 6))
def test_the_global_norm_is_brought_to_the_threshold_and_stays(step):
    clipping = gradclip.optax.clip_by_global_norm(1 / step)
    once = clipped(clipping, updates())
    assert float(optax.tree.norm(once)) == pytest.approx(1 / step, rel=1e-6)
    assert_close(clipped(clipping, once), once)


@every_kind
def test_below_the_threshold_nothing_changes(make):
    assert_same(clipped(make(1e4), updates()), updates())


@every_kind
def test_a_threshold_of_zero_gives_zeros(make):
    assert_same(clipped(make(0.0), updates()), jax.tree.map(jnp.zeros_like, updates()))


@every_kind
@pytest.mark.parametrize("threshold", [-1.0, float("nan"), np.float32(-1), jnp.array(-1.0)])
def test_a_negative_threshold_is_refused_where_it_enters(make, threshold):
    with pytest.raises(ValueError, match="must be >= 0"):
        make(threshold)


@every_kind
def test_a_traced_negative_threshold_gives_nan_and_never_turns_around(make):
    bad = jax.jit(lambda limit: clipped(make(limit), updates()))(-1.0)
    assert all(np.isnan(leaf).all() for leaf in jax.tree.leaves(bad))


@every_kind
def test_none_and_masked_nodes_pass(make):
    tree = {"w": jnp.array([3.0, 4.0]), "frozen": optax.MaskedNode(), "off": None}
    result = clipped(make(1.0), tree)
    assert result["frozen"] == optax.MaskedNode()
    assert result["off"] is None


@every_kind
def test_integers_are_refused(make):
    with pytest.raises(TypeError, match="must be floating or complex"):
        clipped(make(1.0), [jnp.array([1, 2])])


@every_kind
def test_types_and_shapes_stay(make):
    tree = [jnp.ones((2, 3), jnp.bfloat16), jnp.ones((), jnp.float16), jnp.ones((0, 4))]
    result = clipped(make(0.1), tree)
    assert [(x.dtype, x.shape) for x in result] == [(x.dtype, x.shape) for x in tree]


@every_kind
def test_compiled_and_mapped_results_are_the_eager_ones(make):
    clipping = make(1.0)
    eager = clipped(clipping, updates())
    assert_close(jax.jit(lambda tree: clipped(clipping, tree))(updates()), eager)
    batch = jax.tree.map(lambda x: jnp.stack([x, 2 * x]), updates())
    mapped = jax.vmap(lambda tree: clipped(clipping, tree))(batch)
    assert_close(jax.tree.map(lambda x: x[0], mapped), eager)


@every_kind
def test_parallel_replicas_clip_each_their_own(make):
    clipping = make(1.0)
    batch = jax.tree.map(lambda x: x[None], updates())
    mapped = jax.pmap(lambda tree: clipped(clipping, tree))(batch)
    assert_close(jax.tree.map(lambda x: x[0], mapped), clipped(clipping, updates()))


def test_norms_whose_squares_overflow_are_clipped_right():
    tree = [jnp.array([3e25]), jnp.array([4e25])]
    assert_close(
        clipped(gradclip.optax.clip_by_global_norm(1.0), tree), [jnp.array([0.6]), jnp.array([0.8])]
    )
    (block,) = clipped(gradclip.optax.clip_by_block_rms(1.0), [jnp.full(4, 1e30)])
    assert block.tolist() == [1.0] * 4


@every_kind
def test_a_chain_trains(make):
    optimizer = optax.chain(make(1.0), optax.sgd(0.1))
    params = updates()
    state = optimizer.init(params)

    @jax.jit
    def step(params, state):
        grads = jax.grad(lambda p: optax.tree.norm(p) ** 2)(params)
        changes, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, changes), state

    start = float(optax.tree.norm(params))
    for _ in range(20):
        params, state = step(params, state)
    assert float(optax.tree.norm(params)) < start


@every_kind
def test_thresholds_are_hyperparameters_that_can_change(make):
    injected = optax.inject_hyperparams(make)(**{make.__code__.co_varnames[0]: 1.0})
    state = injected.init(updates())
    step = jax.jit(injected.update)
    (name,) = state.hyperparams
    for threshold in (1.0, 0.25):
        state.hyperparams[name] = jnp.asarray(threshold)
        assert_close(step(updates(), state)[0], clipped(make(threshold), updates()))
    assert step._cache_size() == 1


@every_kind
def test_wrappers_of_optax_accept_it(make):
    tree = {"a": jnp.array([3.0, 4.0]), "b": jnp.array([30.0, 40.0])}
    masked = optax.masked(make(1.0), {"a": True, "b": False})
    assert clipped(masked, tree, tree)["b"].tolist() == [30.0, 40.0]
    parts = {"first": make(1.0), "rest": optax.set_to_zero()}
    split = optax.multi_transform(parts, {"a": "first", "b": "rest"})
    result = clipped(split, tree, tree)
    assert_close(result["a"], clipped(make(1.0), tree["a"]))
    assert result["b"].tolist() == [0.0, 0.0]
    several = optax.MultiSteps(make(1.0), every_k_schedule=2)
    state = several.init(tree)
    _, state = several.update(tree, state, tree)
    assert_close(several.update(tree, state, tree)[0], clipped(make(1.0), tree))


def test_apply_if_finite_sees_the_bad_step():
    guarded = optax.apply_if_finite(gradclip.optax.clip_by_global_norm(1.0), 5)
    tree = [jnp.array([jnp.nan, 1.0]), jnp.array([3.0])]
    result, state = guarded.update(tree, guarded.init(tree))
    assert [leaf.tolist() for leaf in result] == [[0.0, 0.0], [0.0]]
    assert int(state.total_notfinite) == 1


def test_meta_gradients_through_the_clip_are_finite():
    def loss(threshold, scale):
        tree = [scale * jnp.array([3.0, 4.0])]
        return sum(x.sum() for x in clipped(gradclip.optax.clip_by_global_norm(threshold), tree))

    by_threshold, by_scale = jax.jit(jax.grad(loss, (0, 1)))(1.0, 1.0)
    assert float(by_threshold) == pytest.approx(1.4)
    assert float(by_scale) == pytest.approx(0.0, abs=1e-6)
    assert float(jax.grad(loss, 1)(1.0, 0.0)) == 7.0
