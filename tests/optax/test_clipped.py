"""Optimizers that step on clipped gradients: dropped steps, resets, updates that are clipped."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip
from gradclip.errors import ConfigurationError, NonFiniteGradientError
from gradclip.optax import clip, clipped, report

pytestmark = pytest.mark.jax
every_way = pytest.mark.parametrize(
    "wrap",
    [lambda f: f, jax.jit, partial(jax.jit, donate_argnums=(0, 1))],
    ids=["eager", "jit", "donated"],
)
NAN = float("nan")


def params():
    return {"b": jnp.zeros(()), "w": jnp.array([3.0, 4.0])}


def loss(params, scale):
    return scale * (jnp.sum(params["w"] ** 2) + (params["b"] - 12) ** 2) / 2


def train(transformation, scales, wrap=jax.jit):
    current = params()
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
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol), left, right)


@every_way
def test_the_steps_are_those_of_a_chain(wrap):
    policy = gradclip.GlobalNorm(1.0)
    ours, state = train(clipped(optax.adam(0.1), policy), (1.0, 2.0, 3.0), wrap)
    chain = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
    theirs, _ = train(chain, (1.0, 2.0, 3.0), wrap)
    assert_close(ours, theirs)
    assert report(state).names == ("b", "w")
    assert float(report(state).norm_after) == pytest.approx(1.0)


@every_way
@pytest.mark.parametrize("bad", [NAN, float("inf")])
def test_a_bad_step_changes_neither_parameters_nor_the_inner_state(wrap, bad):
    optimizer = clipped(optax.adam(optax.linear_schedule(0.1, 0.0, 10)), gradclip.ZClip(warmup=2))
    good, before = train(optimizer, (1.0, 2.0, 1.0), wrap)
    same, after = train(optimizer, (1.0, bad, bad, 2.0, bad, 1.0), wrap)
    assert_close(good, same)
    assert_close(before.inner, after.inner)
    assert_close(before.clip.policy, after.clip.policy)
    assert [int(x) for x in (after.clip.skipped, after.clip.skipped_in_a_row)] == [3, 0]


def test_a_policy_that_drops_spikes_drops_the_step():
    policy = gradclip.Clip(limit=gradclip.ZScore(warmup=3), action="drop")
    optimizer = clipped(optax.adam(0.01), policy)
    steady = (1.0, 1.01, 0.99, 1.0)
    kept, before = train(optimizer, steady)
    same, after = train(optimizer, (*steady, 100.0))
    assert_same(kept, same)
    assert_same(before.inner, after.inner)
    assert bool(report(after).skipped)


@every_way
def test_too_many_dropped_steps_stop_the_run(wrap):
    optimizer = clipped(optax.adam(0.1), "global-norm=1", max_skipped=3)
    with pytest.raises((NonFiniteGradientError, jax.errors.JaxRuntimeError), match="3 steps in a"):
        train_and_wait(optimizer, (NAN,) * 3, wrap)


def train_and_wait(*arguments):
    train(*arguments)
    jax.effects_barrier()


def test_what_the_optimizer_takes_besides_is_handed_through():
    plateau = optax.contrib.reduce_on_plateau(patience=1)
    optimizer = clipped(optax.chain(optax.sgd(0.1), plateau), "global-norm=1")
    state = optimizer.init(params())
    _, state = optimizer.update(params(), state, params(), value=jnp.array(3.0))
    assert float(optax.tree.get(state, "best_value")) == 3.0


def moments(state):
    kept = optax.tree.get_all_with_path(state, "mu") + optax.tree.get_all_with_path(state, "trace")
    return [float(jnp.abs(leaf).sum()) for _, tree in kept for leaf in jax.tree.leaves(tree)]


@every_way
@pytest.mark.parametrize("inner", [optax.adam(0.01), optax.sgd(0.01, momentum=0.9)])
def test_spam_resets_the_moments_of_the_optimizer(wrap, inner):
    optimizer = clipped(inner, gradclip.SPAM(reset_every=3))
    for steps, expected in ((2, False), (3, True), (4, False), (6, True)):
        _, state = train(optimizer, (1.0, NAN, *[1.0] * (steps - 1)), wrap)
        assert all(total == 0 for total in moments(state)) == expected


def test_after_a_reset_adam_goes_on_from_zero_moments():
    _, state = train(clipped(optax.adam(0.01), gradclip.SPAM(reset_every=2)), (1.0, 1.0))
    adam = state.inner[0]
    assert_same((adam.mu, adam.nu), jax.tree.map(jnp.zeros_like, (params(), params())))
    assert int(adam.count) == 2


def test_only_the_parameters_that_spam_governs_are_reset():
    policy = gradclip.PerGroup({"w": gradclip.SPAM(reset_every=2), "*": gradclip.Norm(1.0)})
    _, state = train(clipped(optax.adam(0.01), policy), (1.0, 1.0))
    mu = state.inner[0].mu
    assert mu["w"].tolist() == [0.0, 0.0]
    assert float(mu["b"]) != 0


def test_a_reset_without_momentum_is_said():
    with pytest.warns(UserWarning, match="no momentum to reset"):
        clipped(optax.sgd(0.1), gradclip.SPAM()).init(params())


def test_clipping_twice_is_said():
    inner = optax.chain(clip("global-norm=1"), optax.adam(0.1))
    with pytest.warns(UserWarning, match="clipped twice"):
        clipped(inner, "global-norm=1").init(params())


def stable_adamw(scales, *, rate=0.1, b1=0.9, b2=0.99, eps=1e-8, decay=0.1):
    """StableAdamW by hand in float64, the rule of the paper with Adam's own corrections."""
    values = {k: np.asarray(v, np.float64) for k, v in params().items()}
    m, v = ({k: np.zeros_like(x) for k, x in values.items()} for _ in range(2))
    for t, scale in enumerate(scales, 1):
        for k, x in values.items():
            g = scale * (x - 12 if k == "b" else x)
            m[k] = b1 * m[k] + (1 - b1) * g
            v[k] = b2 * v[k] + (1 - b2) * g * g
            m_hat, v_hat = m[k] / (1 - b1**t), v[k] / (1 - b2**t)
            rms = np.sqrt(np.mean(g * g / np.maximum(v_hat, 1e-12)))
            update = m_hat / (np.sqrt(v_hat) + eps) + decay * x
            values[k] = x - rate / max(1.0, rms) * update
    return values


@every_way
def test_updates_are_clipped_as_in_stable_adamw(wrap):
    scales = (1.0, 0.1, 0.1, 0.1, 50.0, 1.0, 0.1)
    inner = optax.adamw(0.1, b1=0.9, b2=0.99, weight_decay=0.1)
    ours, _ = train(clipped(inner, gradclip.UpdateRMS()), scales, wrap)
    assert_close(ours, stable_adamw(scales), rtol=1e-4)
    plain, _ = train(inner, scales, wrap)
    assert abs(float(plain["b"]) - float(ours["b"])) > 1e-2


def test_updates_and_gradients_are_clipped_by_a_chain():
    policy = gradclip.Chain(gradclip.GlobalNorm(1.0), gradclip.UpdateRMS(max_rms=100.0))
    ours, state = train(clipped(optax.adam(0.1), policy), (1.0, 2.0))
    assert_close(ours, train(clipped(optax.adam(0.1), "global-norm=1"), (1.0, 2.0))[0])
    assert float(report(state).norm_after) == pytest.approx(1.0)


@pytest.mark.parametrize("inner", [optax.sgd(0.1), optax.lion(0.1), optax.adamax(0.1)])
def test_updates_cannot_be_clipped_without_a_mean_of_squares(inner):
    with pytest.raises(ConfigurationError, match="needs a transformation with a second moment"):
        clipped(inner, gradclip.UpdateRMS()).init(params())


def test_parts_of_the_parameters_have_second_moments_of_their_own():
    both = {"slow": optax.adam(0.1, b2=0.9), "fast": optax.adam(0.1, b2=0.5)}
    inner = optax.partition(both, {"b": "slow", "w": "fast"})
    state = clipped(inner, gradclip.UpdateRMS()).init(params())
    np.testing.assert_allclose(state.weights, [0.1, 0.5], rtol=1e-6)


def test_randomness_within_is_left_as_it_was():
    noisy = optax.chain(optax.add_noise(0.01, 0.55, jax.random.key(0)), optax.adam(0.1))
    good, before = train(clipped(noisy, "global-norm=1"), (1.0, 2.0))
    same, after = train(clipped(noisy, "global-norm=1"), (1.0, NAN, 2.0))
    assert_close(good, same)
    keys = [jax.random.key_data(s.inner[0].rng_key) for s in (before, after)]
    assert_same(*keys)


def test_a_new_state_with_statistics_can_be_donated():
    optimizer = gradclip.optax.clipped(optax.adam(0.1), "global-norm=1", statistics=True)
    params = {"w": jnp.ones(3)}
    step = jax.jit(lambda state: optimizer.update(params, state, params)[1], donate_argnums=0)
    state = step(step(optimizer.init(params)))
    np.testing.assert_allclose(gradclip.optax.report(state).statistics.largest, [1.0])
