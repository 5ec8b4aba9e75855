"""TensorFlow's two methods over optax: eager, compiled, scanned and mapped."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip
from gradclip.errors import NonFiniteGradientError
from gradclip.jax import Optimizer, clip_by_global_norm

pytestmark = pytest.mark.jax


def params():
    return {"w": jnp.array([3.0, 4.0]), "b": jnp.zeros(())}


def loss(params, scale=1.0):
    return scale * (jnp.sum(params["w"] ** 2) + (params["b"] - 12) ** 2) / 2


def step(optimizer, params, state, scale=1.0):
    pairs = optimizer.compute_gradients(loss, params, scale)
    return optimizer.apply_gradients(pairs, state)


def run(optimizer, scales, wrap=lambda f: f):
    current = params()
    state = optimizer.init(current)
    one = wrap(partial(step, optimizer))
    for scale in scales:
        current, state = one(current, state, scale)
    return current, state


def assert_same(left, right):
    jax.tree.map(np.testing.assert_array_equal, left, right)


every_way = pytest.mark.parametrize(
    "wrap",
    [lambda f: f, jax.jit, partial(jax.jit, donate_argnums=(0, 1))],
    ids=["eager", "jit", "donated"],
)


def test_pairs_are_gradients_and_variables_in_the_order_of_leaves():
    pairs = Optimizer(optax.sgd(1.0)).compute_gradients(loss, params(), 2.0)
    assert [g.tolist() for g, _ in pairs] == [-24.0, [6.0, 8.0]]
    assert_same([v for _, v in pairs], jax.tree.leaves(params()))


def test_the_gradient_of_the_loss_scales_all_gradients():
    pairs = Optimizer(optax.sgd(1.0)).compute_gradients(loss, params(), grad_loss=0.5)
    assert [g.tolist() for g, _ in pairs] == [-6.0, [1.5, 2.0]]


def test_a_loss_of_many_entries_is_summed_as_tensorflow_does():
    pairs = Optimizer(optax.sgd(1.0)).compute_gradients(lambda p: p**2, jnp.array([1.0, 2.0]))
    assert pairs[0][0].tolist() == [2.0, 4.0]


def test_clipping_between_the_two_methods_is_clipping_within():
    current = params()
    plain = Optimizer(optax.sgd(1.0))
    pairs = plain.compute_gradients(loss, current)
    clipped, _ = clip_by_global_norm([g for g, _ in pairs], 6.5)
    between = plain.apply_gradients(
        zip(clipped, [v for _, v in pairs], strict=True), plain.init(current)
    )
    within = step(
        within_one := Optimizer(optax.sgd(1.0), clip="global-norm=6.5"),
        current,
        within_one.init(current),
    )
    assert between[0]["w"].tolist() == [1.5, 2.0]
    assert_same(between[0], within[0])


@every_way
@pytest.mark.parametrize("clip", [None, "global-norm=1", "norm=1", "agc=0.1", "value=0.5", "adagc"])
def test_every_clipping_trains(wrap, clip):
    trained, state = run(Optimizer(optax.adam(0.1), clip=clip), [1.0] * 3, wrap)
    assert float(loss(trained)) < float(loss(params()))
    assert int(state.step) == 3


def test_the_steps_are_those_of_optax_alone():
    chain = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
    current = params()
    state = chain.init(current)
    for _ in range(3):
        updates, state = chain.update(jax.grad(loss)(current), state, current)
        current = optax.apply_updates(current, updates)
    ours, _ = run(Optimizer(optax.adam(0.1), clip="global-norm=1"), [1.0] * 3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, current)


@every_way
def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(wrap):
    optimizer = Optimizer(optax.adam(0.1), clip="global-norm=1")
    good, before = run(optimizer, [1.0, 1.0], wrap)
    skipped, after = run(optimizer, [1.0, 1.0, float("nan"), float("inf")], wrap)
    assert_same(good, skipped)
    assert_same(before.inner, after.inner)
    assert [int(x) for x in (after.step, after.skipped, after.skipped_in_a_row)] == [2, 2, 2]
    _, later = run(optimizer, [1.0, float("nan"), 1.0], wrap)
    assert [int(x) for x in (later.step, later.skipped, later.skipped_in_a_row)] == [2, 1, 0]


def test_too_many_skipped_steps_raise_at_once():
    with pytest.raises(NonFiniteGradientError, match="3 steps in a row"):
        run(Optimizer(optax.sgd(0.1), max_skipped=3), [float("nan")] * 3)


def test_too_many_skipped_steps_stop_a_compiled_program():
    optimizer = Optimizer(optax.sgd(0.1), max_skipped=3)

    def wait():
        run(optimizer, [float("nan")] * 3, jax.jit)
        jax.effects_barrier()

    with pytest.raises(jax.errors.JaxRuntimeError, match="3 steps in a row"):
        wait()


def test_a_state_can_be_checked_now_and_then():
    optimizer = Optimizer(optax.sgd(0.1), max_skipped=None)
    _, state = run(optimizer, [float("nan")] * 12, jax.jit)
    optimizer.check(state)
    with pytest.raises(NonFiniteGradientError, match="12 with NaN"):
        Optimizer(optax.sgd(0.1)).check(state)


def test_a_scanned_loop_skips_and_counts():
    optimizer = Optimizer(optax.adam(0.1), clip="global-norm=1")
    scales = jnp.array([1.0, jnp.nan, 1.0, jnp.nan])

    @jax.jit
    def train(current, state):
        return jax.lax.scan(lambda c, s: (step(optimizer, *c, s), None), (current, state), scales)

    (current, state), _ = train(params(), optimizer.init(params()))
    expected, _ = run(optimizer, [1.0, 1.0])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), current, expected)
    assert [int(state.step), int(state.skipped)] == [2, 2]


def test_mapped_replicas_skip_each_for_themselves():
    optimizer = Optimizer(optax.sgd(0.1), clip="global-norm=1", max_skipped=2)
    state = optimizer.init(params())
    one = jax.vmap(partial(step, optimizer), in_axes=(None, None, 0))
    current, after = one(params(), state, jnp.array([1.0, jnp.nan]))
    assert after.step.tolist() == [1, 0]
    assert after.skipped.tolist() == [0, 1]
    np.testing.assert_array_equal(current["w"][1], params()["w"])
    jax.effects_barrier()


def test_a_training_step_compiles_once():
    optimizer = Optimizer(optax.adam(0.1), clip="global-norm=1")
    one, current = jax.jit(partial(step, optimizer)), params()
    state = optimizer.init(current)
    for scale in (1.0, 2.0, float("nan"), 3.0):
        current, state = one(current, state, scale)
    assert one._cache_size() == 1


def test_raise_names_the_gradients_and_cannot_be_traced():
    optimizer = Optimizer(optax.sgd(0.1), nonfinite="raise")
    with pytest.raises(NonFiniteGradientError, match="NaN or inf in b, w"):
        run(optimizer, [float("nan")])
    with pytest.raises(ValueError, match="being traced"):
        run(optimizer, [1.0], jax.jit)


@every_way
def test_zero_drops_the_bad_tensors_alone(wrap):
    optimizer = Optimizer(optax.sgd(1.0), nonfinite="zero")
    current = params()

    def once(current, state):
        pairs = optimizer.compute_gradients(loss, current)
        return optimizer.apply_gradients([(pairs[0][0] * jnp.nan, pairs[0][1]), pairs[1]], state)

    current, _ = wrap(once)(current, optimizer.init(current))
    assert current["b"] == 0.0
    assert current["w"].tolist() == [0.0, 0.0]


def test_propagate_hides_nothing():
    current, _ = run(Optimizer(optax.sgd(1.0), nonfinite="propagate"), [float("nan")])
    assert np.isnan(current["w"]).all()


def test_variables_without_a_gradient_stay():
    optimizer = Optimizer(optax.adam(0.1))
    current = {"ids": jnp.array([1, 2]), "w": jnp.array([1.0, 2.0])}
    pairs = optimizer.compute_gradients(lambda p: jnp.sum(p["w"] ** 2), current)
    assert pairs[0][0] is None
    floating = {"v": jnp.array([1.0]), "w": jnp.array([1.0])}
    pairs = [(None, floating["v"]), (jnp.array([1.0]), floating["w"])]
    after, _ = optimizer.apply_gradients(pairs, optimizer.init(floating))
    assert after["v"].tolist() == [1.0]
    assert float(after["w"][0]) == pytest.approx(0.9)


def test_an_own_function_clips():
    optimizer = Optimizer(optax.sgd(1.0), clip=lambda gradients: [0 * g for g in gradients])
    assert_same(run(optimizer, [1.0])[0], params())


@every_way
def test_what_a_policy_learns_is_in_the_state(wrap):
    policy = gradclip.ZClip(warmup=2)
    _, state = run(Optimizer(optax.sgd(0.01), clip=policy), [1.0, 1.01, 1.0, 50.0], wrap)
    report = state.report
    assert report.names == ("b", "w")
    assert float(report.norm_before) > 500
    assert float(report.norm_after) == float(report.limit) < 20
    assert not report.skipped


def test_what_the_transformation_takes_besides_is_handed_through():
    plateau = optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau(patience=1))
    optimizer = Optimizer(plateau)
    current = params()
    pairs = optimizer.compute_gradients(loss, current)
    _, state = optimizer.apply_gradients(pairs, optimizer.init(current), value=loss(current))
    assert float(optax.tree.get(state.inner, "best_value")) == float(loss(current))


@pytest.mark.parametrize(
    "arguments",
    [
        {"gate_gradients": 0},
        {"aggregation_method": 1},
        {"colocate_gradients_with_ops": True},
        {"var_list": []},
    ],
)
def test_arguments_of_tensorflow_alone_are_refused(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        Optimizer(optax.sgd(1.0)).compute_gradients(loss, params(), **arguments)


def test_wrong_pairs_are_refused():
    optimizer = Optimizer(optax.sgd(1.0))
    state = optimizer.init(params())
    pairs = optimizer.compute_gradients(loss, params())
    with pytest.raises(ValueError, match="each of the 2 parameters, got 1"):
        optimizer.apply_gradients(pairs[:1], state)
    with pytest.raises(ValueError, match="At least one gradient"):
        optimizer.apply_gradients([(None, v) for _, v in pairs], state)
    with pytest.raises(ValueError, match="`global_step`"):
        optimizer.apply_gradients(pairs, state, global_step=0)
