"""What JAX adds to the functions: pytrees, types, tracing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradclip.jax as clipping

pytestmark = pytest.mark.jax
X = jnp.array([3.0, 4.0])


def test_a_pytree_keeps_its_structure():
    tree = {"w": [X, None], "rest": optax.MaskedNode(), "b": (12 * jnp.ones(1),)}
    clipped, norm = clipping.clip_by_global_norm(tree, 6.5)
    assert float(norm) == 13.0
    assert jax.tree.structure(clipped) == jax.tree.structure(tree)
    assert clipped["w"][0].tolist() == [1.5, 2.0]
    assert clipped["w"][1] is None


def test_a_bare_array_is_a_pytree_too():
    clipped, norm = clipping.clip_by_global_norm(X, 2.5)
    assert clipped.tolist() == [1.5, 2.0]
    assert float(norm) == 5.0


@pytest.mark.parametrize(
    "iterable", [iter, lambda x: (t for t in x), lambda x: {"a": x[0]}.values()]
)
def test_other_iterables_are_read_once_and_give_lists(iterable):
    clipped, _ = clipping.clip_by_global_norm(iterable([X]), 2.5)
    assert isinstance(clipped, list)
    assert clipped[0].tolist() == [1.5, 2.0]


def test_a_used_up_generator_warns():
    with pytest.warns(UserWarning, match="empty generator"):
        assert clipping.clip_by_global_norm(iter([]), 1.0)[0] == []


def test_text_is_no_pytree_of_gradients():
    with pytest.raises(TypeError, match="must be a list of tensors"):
        clipping.global_norm("gradients")


@pytest.mark.parametrize("bad", [jnp.array([1]), 3, np.array([True]), "text"])
def test_errors_name_the_leaf_by_its_path(bad):
    with pytest.raises(TypeError, match=r"t_list\['w'\]\[1\]|not a valid JAX"):
        clipping.global_norm({"w": [X, bad]})


def test_empty_gradients_of_integers_say_what_to_do():
    gradient = jax.grad(lambda i: jnp.sum(X) + 0.0 * i.sum(), allow_int=True)(jnp.array([1]))
    with pytest.raises(TypeError, match="Put None in its place"):
        clipping.global_norm([X, gradient])


def test_non_finite_leaves_are_named():
    with pytest.raises(FloatingPointError, match=r"NaN or inf in t_list\['b'\]"):
        clipping.clip_by_global_norm({"a": X, "b": X * jnp.nan}, 1.0, nonfinite="raise")


def test_raise_needs_values():
    traced = jax.jit(lambda x: clipping.clip_by_norm(x, 1.0, nonfinite="raise"))
    with pytest.raises(ValueError, match="Choose 'skip' or 'zero'"):
        traced(X)


@pytest.mark.parametrize("array", [np.array([3.0, 4.0]), [3.0, 4.0], np.float16([3, 4])])
def test_other_arrays_get_the_users_precision(array):
    expected = jnp.asarray(array).dtype
    assert clipping.clip_by_norm(np.asarray(array), 1.0).dtype == expected
    with jax.enable_x64(new_val=True):
        doubled = clipping.clip_by_norm(np.asarray(array), 1.0)
        assert doubled.dtype == np.asarray(array).dtype


def test_norms_are_float64_where_a_tensor_is():
    with jax.enable_x64(new_val=True):
        assert clipping.global_norm([jnp.ones(2, jnp.float64), X]).dtype == jnp.float64
        assert clipping.global_norm([X]).dtype == jnp.float32
    assert clipping.global_norm([X]).dtype == jnp.float32
    assert clipping.global_norm([]).dtype == jnp.float32


def test_float64_norms_are_right_to_the_last_digits_at_every_scale():
    entries = np.full(561, 0.001)
    with jax.enable_x64(new_val=True):
        for scale in (1e-200, 1.0, 1e200):
            norm = float(jax.jit(clipping.global_norm)([entries * scale]))
            assert norm == pytest.approx(np.sqrt(561) * 0.001 * scale, rel=1e-15)
        assert float(clipping.global_norm([np.array([1.0, np.inf])])) == np.inf
        assert np.isnan(clipping.global_norm([np.array([1.0, np.nan])]))


@pytest.mark.parametrize("threshold", [-1.0, np.float32(-1), jnp.array(-1.0), jnp.array(jnp.nan)])
def test_thresholds_that_are_known_are_checked(threshold):
    with pytest.raises(ValueError, match="must be >= 0"):
        clipping.clip_by_norm(X, threshold)


def test_a_traced_negative_threshold_gives_nan():
    assert np.isnan(jax.jit(clipping.clip_by_norm)(X, -1.0)).all()


def test_a_threshold_with_axes_is_refused():
    with pytest.raises(ValueError, match="must be a scalar"):
        clipping.clip_by_norm(jnp.array(3.0), np.ones(2))


def test_values_are_limited_by_arrays_that_broadcast():
    limited = clipping.clip_by_value(jnp.array([[-3.0, 3.0]]), jnp.array([-1.0, 2.0]), 2.5)
    assert limited.tolist() == [[-1.0, 2.5]]
    with pytest.raises(ValueError, match="must broadcast"):
        clipping.clip_by_value(X, jnp.zeros((3, 1)), None)


def test_denormals_are_compared_as_numbers_when_limited():
    limited = clipping.clip_by_value(np.array([1e-40, 3e-40], np.float32), 0.0, 2e-40)
    assert np.asarray(limited).tolist() == np.array([1e-40, 2e-40], np.float32).tolist()


def test_labels_show_in_the_program():
    text = jax.jit(lambda x: clipping.clip_by_norm(x, 1.0, name="my_clip")).lower(X)
    assert "my_clip" in text.as_text(debug_info=True)
