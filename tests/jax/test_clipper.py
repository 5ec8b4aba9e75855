"""Clipper: policies on pytrees, with the state in the caller's hands."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradclip
from gradclip.errors import ConfigurationError, NonFiniteGradientError
from gradclip.jax import Clipper, report

pytestmark = pytest.mark.jax
NAN = float("nan")
every_way = pytest.mark.parametrize(
    "wrap",
    [lambda f: f, jax.jit, partial(jax.jit, donate_argnums=(0, 1))],
    ids=["eager", "jit", "donated"],
)


def grads(scale=1.0):
    return {"b": jnp.array([3.0 * scale]), "w": jnp.array([4.0 * scale])}


def run(clipper, scales, wrap=lambda f: f):
    state, call = clipper.init(grads()), wrap(clipper.__call__)
    clipped = None
    for scale in scales:
        clipped, state = call(grads(scale), state)
    return clipped, state


@every_way
def test_a_policy_learns_from_step_to_step(wrap):
    clipper = Clipper(gradclip.ZClip(warmup=4))
    clipped, state = run(clipper, (0.18, 0.22, 0.18, 0.22, 20.0), wrap)
    assert float(clipper.report(state).norm_before) == 100.0
    np.testing.assert_allclose(clipped["w"], [0.8 * 1.0006], rtol=1e-3)
    assert float(state.policy.step) == 5


@every_way
def test_skipped_steps_are_zeros_and_teach_nothing(wrap):
    clipper = Clipper("zclip")
    _, good = run(clipper, (1.0, 2.0), wrap)
    clipped, state = run(clipper, (1.0, NAN, 2.0, NAN), wrap)
    assert [float(leaf[0]) for leaf in clipped.values()] == [0.0, 0.0]
    jax.tree.map(np.testing.assert_array_equal, state.policy, good.policy)
    assert [int(state.skipped), int(state.skipped_in_a_row)] == [2, 1]
    assert bool(clipper.report(state).skipped)


def test_every_step_compiles_the_same_program():
    clipper = Clipper(gradclip.AdaGC(warmup=2))
    call, state = jax.jit(clipper.__call__), clipper.init(grads())
    for scale in (1.0, 2.0, NAN, 3.0):
        _, state = call(grads(scale), state)
    assert call._cache_size() == 1


def test_eager_steps_of_equal_policies_compile_once():
    compilations = []

    def listen(event, _duration, **_):
        if "backend_compile" in event:
            compilations.append(event)

    run(Clipper(gradclip.GlobalNorm(1.25)), (1.0, 2.0))
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        run(Clipper(gradclip.GlobalNorm(1.25)), (1.0, 3.0))
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compilations == []


def test_a_threshold_may_be_an_array_traced_or_not():
    for wrap in (lambda f: f, jax.jit):

        def clip(limit):
            clipper = Clipper(gradclip.GlobalNorm(limit))
            return clipper(grads(), clipper.init(grads()))[0]["w"]

        np.testing.assert_allclose(wrap(clip)(jnp.array(2.5)), [2.0], rtol=1e-6)


def test_relative_policies_get_the_parameters():
    clipper = Clipper("agc=0.1")
    params = {"b": jnp.array([3.0]), "w": jnp.array([80.0])}
    clipped, _ = clipper(grads(), clipper.init(params), params)
    np.testing.assert_allclose(clipped["b"], [0.3], rtol=1e-6)
    np.testing.assert_allclose(clipped["w"], [4.0])
    with pytest.raises(ConfigurationError, match="for each of 2 parameters, got 1"):
        clipper(grads(), clipper.init(params), {"w": params["w"]})


def test_too_many_skipped_steps_raise_now_or_when_they_are_looked_at():
    with pytest.raises(NonFiniteGradientError, match="3 steps in a row"):
        run(Clipper("norm=1", max_skipped=3), (NAN,) * 3)
    _, state = run(Clipper("norm=1", max_skipped=None), (NAN,) * 12, jax.jit)
    with pytest.raises(NonFiniteGradientError, match="12 with NaN"):
        Clipper("norm=1").check(state)


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigurationError, match="A policy must be"):
        Clipper(3.5)
    with pytest.raises(ConfigurationError, match="`nonfinite` must be"):
        Clipper("norm=1", nonfinite="ignore")


def test_a_report_comes_out_of_a_compiled_program_with_its_names():
    clipper = Clipper(gradclip.GlobalNorm(1.0))

    @jax.jit
    def step(grads, state):
        clipped, state = clipper(grads, state)
        assert report(state).names == ("b", "w")
        return clipped, state, report(state)

    _, _, result = step(grads(), clipper.init(grads()))
    assert str(result) == "norm 5 -> 1, limit 1, scale 0.2\n  b  3 -> 0.6\n  w  4 -> 0.8"
    assert len(jax.tree.leaves(result)) == 7


def test_a_report_needs_a_clipping():
    with pytest.raises(ConfigurationError, match="got none"):
        report({"w": jnp.zeros(2)})
    state = Clipper("norm=1").init(grads())
    with pytest.raises(ConfigurationError, match="got 2"):
        report([state, state])


def test_names_are_paths():
    tree = {"blocks": [{"w": jnp.ones(2)}, {"w": jnp.ones(2)}], "norm/scale": jnp.ones(2)}
    clipper = Clipper("norm=1")
    expected = ("blocks.0.w", "blocks.1.w", "norm/scale")
    assert clipper.report(clipper.init(tree)).names == expected
    assert clipper.report(clipper.init(jnp.ones(2))).names == ("params",)
    assert clipper.report(clipper.init([])).names == ()


def test_nothing_to_clip_is_no_mistake():
    clipper = Clipper("zclip")
    for empty in ({}, {"a": None}, {"n": jnp.array([1, 2])}):
        clipped, state = clipper(empty, clipper.init(empty))
        jax.tree.map(np.testing.assert_array_equal, clipped, empty)
        assert float(clipper.report(state).norm_before) == 0.0
