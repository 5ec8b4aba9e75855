"""Statistics of JAX arrays, eager and traced, and those of reports."""

import math

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradclip
import gradclip.jax as gj
from gradclip import numpy as gn

pytestmark = pytest.mark.jax
NAN, INF = math.nan, math.inf
every_way = pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])


def found(tensors, wrap=lambda f: f):
    return [column.tolist() for column in wrap(gj.gradient_statistics)(tensors)[1:]]


@every_way
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.float64])
def test_all_four_of_each_array(dtype, wrap):
    arrays = [
        np.array([3.0, 0.0, -4.0], dtype),
        None,
        np.array([[1.0, NAN], [-0.0, INF]], dtype),
        np.array([INF, 1.0], dtype),
        np.zeros((0, 5), dtype),
    ]
    with jax.enable_x64(dtype == np.float64):
        norms, largest, nonfinite, zeros = found(arrays, wrap)
    np.testing.assert_allclose(norms, [5, 0, NAN, INF, 0])
    np.testing.assert_allclose(largest, [4, 0, NAN, INF, 0])
    assert nonfinite == [0, 0, 2, 1, 0]
    assert zeros == [1, 0, 1, 0, 0]


def test_a_pytree_is_measured_in_the_order_of_its_leaves():
    seen = gj.gradient_statistics({"w": jnp.array([3.0, 0.0]), "b": jnp.array(4.0), "n": None})
    assert float(seen.global_norm) == 5.0
    assert seen.largest.tolist() == [4.0, 0.0, 3.0]
    assert seen.zeros.tolist() == [0, 0, 1]


def test_counts_are_integers_as_wide_as_the_users_and_norms_as_the_arrays():
    narrow = gj.gradient_statistics([jnp.ones(3)])
    with jax.enable_x64(new_val=True):
        wide = gj.gradient_statistics([jnp.ones(3, jnp.float32), jnp.ones(3)])
    assert [x.dtype for x in narrow] == ["float32"] * 3 + ["int32"] * 2
    assert [x.dtype for x in wide] == ["float64"] * 3 + ["int64"] * 2
    assert narrow.global_norm.shape == ()


@given(st.lists(st.lists(st.floats(width=32), min_size=4, max_size=4), max_size=3))
def test_the_same_as_numpy(lists):
    arrays = [np.array(x, np.float32) for x in lists]
    for mine, other in zip(
        gj.gradient_statistics(arrays), gn.gradient_statistics(arrays), strict=True
    ):
        np.testing.assert_allclose(np.asarray(mine, float), other, rtol=1e-6)


@every_way
def test_denormals_are_no_zeros(wrap):
    norms, largest, _, zeros = found([np.array([3e-45, 0.0, -1e-40], np.float32)], wrap)
    np.testing.assert_allclose(norms, [1e-40], rtol=1e-4)
    assert np.float32(largest[0]) == np.float32(1e-40)
    assert zeros == [1]


def test_complex_entries_by_modulus():
    norms, largest, nonfinite, zeros = found([jnp.array([3 + 4j, 0j, 1e-45j]), jnp.ones(2)])
    np.testing.assert_allclose(norms, [5.0, 2**0.5], rtol=1e-6)
    assert largest == [5.0, 1.0]
    assert nonfinite == [0, 0]
    assert zeros == [1, 0]
    assert found([jnp.array([1j, NAN, complex(0, INF)])])[2] == [2]


def test_no_array_at_all():
    assert found([]) == [[], [], [], []]
    assert found([None, None]) == [[0.0, 0.0], [0.0, 0.0], [0, 0], [0, 0]]


def test_mapped_rows_are_measured_each_by_itself():
    rows = jnp.array([[3.0, 0.0, 4.0], [1.0, NAN, 0.0]])
    seen = jax.vmap(lambda row: gj.gradient_statistics([row]))(rows)
    assert seen.norms[0].tolist() == [5.0]
    assert seen.nonfinite.tolist() == [[0], [1]]
    assert seen.zeros.tolist() == [[1], [1]]


def test_norms_and_largest_entries_have_derivatives():
    def loss(x):
        seen = gj.gradient_statistics([x])
        return seen.norms[0] + 10 * seen.largest[0]

    slope = jax.grad(loss)(jnp.array([3.0, -4.0]))
    np.testing.assert_allclose(slope, [0.6, -10.8], rtol=1e-6)


def test_statistics_then_clipping_is_one_read():
    gradient = jnp.array([3.0, 0.0, 4.0])
    seen = gj.gradient_statistics([gradient])
    clipped, _ = gj.clip_by_global_norm([gradient], 1.0, use_norm=seen.global_norm)
    np.testing.assert_allclose(clipped[0], [0.6, 0.0, 0.8], rtol=1e-6)


@every_way
def test_a_clipper_reports_them_as_they_came(wrap):
    clipper = gj.Clipper("global-norm=1", statistics=True)
    gradients = [jnp.array([3.0, 0.0, -4.0]), None]
    state = clipper.init(gradients)
    _, state = wrap(clipper.__call__)(gradients, state)
    seen = clipper.report(state).statistics
    assert float(seen.global_norm) == 5.0
    assert [x.tolist() for x in seen[1:]] == [[5.0, 0.0], [4.0, 0.0], [0, 0], [1, 0]]
    assert {x.dtype.name for x in jax.tree.leaves(state)} == {"float32", "int32"}


def test_nobody_gets_what_nobody_asked_for():
    clipper = gj.Clipper("global-norm=1")
    _, state = clipper([jnp.ones(2)], clipper.init([jnp.ones(2)]))
    assert state.statistics is None
    assert clipper.report(state).statistics is None


@pytest.mark.parametrize("policy", [gradclip.Norm(1.0), "zclip", "global-norm=1"])
def test_they_change_no_decision(policy):
    plain, watching = (gj.Clipper(policy, statistics=s) for s in (False, True))
    generator = np.random.default_rng(0)
    states = [c.init([jnp.ones(5), jnp.ones((2, 3))]) for c in (plain, watching)]
    for step in range(40):
        scale = 100.0 if step == 35 else 1.0
        gradients = [
            jnp.asarray(scale * generator.normal(size=s), jnp.float32) for s in (5, (2, 3))
        ]
        results = [c(gradients, s) for c, s in zip((plain, watching), states, strict=True)]
        states = [state for _, state in results]
        jax.tree.map(np.testing.assert_array_equal, *(clipped for clipped, _ in results))
    same = [state._replace(statistics=None) for state in states]
    jax.tree.map(np.testing.assert_array_equal, *same)


def test_a_skipped_step_tells_where_it_went_wrong():
    clipper = gj.Clipper("global-norm=1", statistics=True)
    gradients = [jnp.array([1.0, NAN, INF]), jnp.ones(1)]
    clipped, state = clipper(gradients, clipper.init(gradients))
    assert [t.tolist() for t in clipped] == [[0.0] * 3, [0.0]]
    assert clipper.report(state).statistics.nonfinite.tolist() == [2, 0]
