"""Clipping by example: equivalents of optax's tests, and what float32 sums would lose."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

import gradclip.optax

pytestmark = pytest.mark.jax


def grads():
    return [
        jnp.array([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0], [4.0, 0.0, 3.0], [3.0, 4.0, 0.0]]),
        jnp.array([[0.0], [12.0], [0.0], [0.0]]),
    ]


@pytest.mark.parametrize(
    ("limit", "sums", "clipped"),
    [
        (np.inf, [[7.0, 7.0, 7.0], [12.0]], 0),
        (0.0, [[0.0, 0.0, 0.0], [0.0]], 3),
        (13.0, [[7.0, 7.0, 7.0], [12.0]], 0),
        (6.5, [[7.0, 5.5, 5.0], [6.0]], 1),
    ],
)
def test_examples_are_scaled_by_their_own_norm(limit, sums, clipped):
    result, number = gradclip.optax.per_example_global_norm_clip(grads(), limit)
    assert [leaf.tolist() for leaf in result] == sums
    assert int(number) == clipped
    assert number.dtype == jnp.int32


@pytest.mark.parametrize("limit", [0.0, 0.5, 4.0, 20.0, np.inf])
@pytest.mark.parametrize("uniform", [True, False])
def test_results_agree_with_optax(limit, uniform):
    ours = gradclip.optax.per_example_global_norm_clip(grads(), limit)
    theirs = optax.per_example_global_norm_clip(grads(), limit)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, theirs)
    if limit < np.inf:  # optax multiplies it by a share, and so do we
        ours = gradclip.optax.per_example_layer_norm_clip(grads(), limit, uniform)
        theirs = optax.per_example_layer_norm_clip(grads(), limit, uniform)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, theirs)


def test_a_single_layer_is_clipped_as_the_whole():
    single = grads()[:1]
    layer = gradclip.optax.per_example_layer_norm_clip(single, 1.25)
    whole = gradclip.optax.per_example_global_norm_clip(single, 1.25)
    assert layer[0][0].tolist() == whole[0][0].tolist()
    assert layer[1] == [whole[1]]


def test_trees_keep_their_structure():
    tree = {"w": grads()[0], "b": {"c": grads()[1]}}
    sums, clipped = gradclip.optax.per_example_layer_norm_clip(tree, 1.0)
    assert jax.tree.structure(sums) == jax.tree.structure(clipped) == jax.tree.structure(tree)


def test_integers_are_taken_as_numbers():
    sums, _ = gradclip.optax.per_example_global_norm_clip([jnp.array([[3, 4], [0, 0]])], 1.0)
    np.testing.assert_allclose(sums[0], [0.6, 0.8], rtol=1e-6)


def test_sums_in_half_precision_do_not_stall():
    tree = [jnp.ones((1001, 1), jnp.bfloat16)]
    sums, clipped = gradclip.optax.per_example_global_norm_clip(tree, 2.0)
    assert sums[0].dtype == jnp.bfloat16
    assert float(sums[0][0]) == float(ml_dtypes.bfloat16(1001))
    assert int(clipped) == 0


def test_examples_whose_squares_overflow_or_underflow_are_scaled_right():
    tree = [jnp.array([[3e25, 4e25], [3e-25, 4e-25]])]
    sums, clipped = gradclip.optax.per_example_global_norm_clip(tree, 1e-25)
    np.testing.assert_allclose(sums[0], [1.2e-25, 1.6e-25], rtol=1e-6)
    assert int(clipped) == 2


def test_an_example_that_is_not_finite_is_not_hidden():
    tree = [jnp.array([[3.0, 4.0], [np.nan, 1.0]])]
    sums, _ = gradclip.optax.per_example_global_norm_clip(tree, 1.0)
    assert np.isnan(sums[0]).all()


def test_missing_examples_are_refused():
    with pytest.raises(ValueError, match="along their first axis"):
        gradclip.optax.per_example_global_norm_clip([jnp.ones((2, 3)), jnp.ones((3, 2))], 1.0)
    with pytest.raises(ValueError, match="along their first axis"):
        gradclip.optax.per_example_layer_norm_clip([jnp.array(1.0)], 1.0)


def test_a_negative_threshold_is_refused():
    with pytest.raises(ValueError, match="must be >= 0"):
        gradclip.optax.per_example_global_norm_clip(grads(), -1.0)


def test_compiled_results_are_the_eager_ones():
    eager = gradclip.optax.per_example_global_norm_clip(grads(), 1.25)
    compiled = jax.jit(gradclip.optax.per_example_global_norm_clip)(grads(), 1.25)
    jax.tree.map(np.testing.assert_array_equal, eager, compiled)
