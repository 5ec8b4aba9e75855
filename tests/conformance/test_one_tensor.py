"""The numerical contract of the functions on one tensor, in every framework and mode."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.conformance import oracle
from tests.conformance.frameworks import parameters
from tests.conformance.gradients import gradient_lists, present, type_of

every_mode = pytest.mark.parametrize("mode", parameters())
some = settings(max_examples=40, deadline=None)
# What each function's threshold limits, as a factor on the 2-norm.
MEASURES = {
    "clip_by_norm": lambda _: 1.0,
    "clip_by_average_norm": lambda size: size,
    "clip_by_block_rms": lambda size: np.sqrt(size),
}
by_measure = pytest.mark.parametrize("function", list(MEASURES))


@every_mode
@by_measure
@some
@given(gradients=gradient_lists(), share=st.sampled_from([0.5, 1e-3, 1.001, 1e3]))
def test_a_tensor_is_scaled_to_its_limit_or_left_alone(mode, function, gradients, share):
    array = present(gradients)[-1]
    exact = oracle.norm([array])
    size = MEASURES[function](max(array.size, 1))
    assume(1e-44 < exact * share / size < 3e38)  # a float32 threshold, where a mode takes one
    threshold = np.float32(exact * share / size)
    limit = np.longdouble(threshold) * size
    clipped = mode.call(function, array, mode.scalar(float(threshold)))
    assert clipped.dtype == array.dtype
    assert clipped.shape == array.shape
    if exact <= limit:
        assert oracle.bits(clipped) == oracle.bits(array)
    elif exact > limit * (1 + 1e-6):
        wanted = oracle.wide(array) * (limit / exact)
        assert np.all(oracle.entry_errors(clipped, wanted, mode.flushed(limit)) <= 1)


@every_mode
@some
@given(gradients=gradient_lists(), axis=st.sampled_from([0, 1, (0,), (0, 1), -1]))
def test_each_slice_over_axes_is_clipped_by_itself(mode, gradients, axis):
    array = np.array([[3, 4, 0], [0, 0.5, 0], [0, 0, 0], [8, 6, 0]]).astype(
        oracle.TYPES[type_of(gradients)]
    )
    clipped = mode.call("clip_by_norm", array, mode.scalar(1.0), axes=axis)
    norms = oracle.unit_norm(array, axis)
    wanted = oracle.wide(array) * np.where(norms > 1, 1 / np.where(norms > 1, norms, 1), 1)
    assert np.all(oracle.entry_errors(clipped, wanted) <= 1)


@every_mode
def test_slices_at_extreme_scales_are_clipped_each(mode):
    array = np.array([[3e30, 4e30], [3e-30, 4e-30], [0, 0], [3, 4]], np.float32)
    clipped = mode.call("clip_by_norm", array, mode.scalar(1.0), axes=1)
    assert np.allclose(clipped[[0, 3]], [[0.6, 0.8], [0.6, 0.8]])
    assert oracle.bits(clipped[1:3]) == oracle.bits(array[1:3])


@every_mode
def test_non_finite_slices_leave_the_others_alone(mode):
    array = np.array([[3.0, np.inf], [3.0, 4.0]], np.float32)
    clipped = mode.call("clip_by_norm", array, mode.scalar(1.0), axes=1)
    assert np.all(np.isnan(clipped[0]))
    assert np.allclose(clipped[1], [0.6, 0.8])


@every_mode
@pytest.mark.parametrize("function", list(MEASURES))
def test_no_entries_are_no_trouble(mode, function):
    empty = np.zeros((0, 3), np.float32)
    assert mode.call(function, empty, mode.scalar(1.0)).shape == (0, 3)


@pytest.mark.parametrize("mode", parameters(compiled=False))
@by_measure
def test_none_keeps_its_place(mode, function):
    assert mode.call(function, None, 1.0) is None
    assert mode.call("clip_by_value", None, -1.0, 1.0) is None
    assert mode.call("adaptive_clip", None, np.ones(2, np.float32)) is None


@pytest.mark.parametrize("mode", parameters(compiled=False))
@by_measure
@pytest.mark.parametrize("threshold", [-1, np.nan])
def test_a_wrong_threshold_is_refused(mode, function, threshold):
    with pytest.raises(ValueError, match="`clip_norm` must be >= 0, got"):
        mode.call(function, np.ones(2, np.float32), threshold)


@pytest.mark.parametrize("mode", parameters(compiled=False))
@by_measure
def test_integers_are_refused(mode, function):
    with pytest.raises(TypeError, match="`t` must be floating or complex"):
        getattr(mode.functions, function)(mode.integers(), 1.0)


@pytest.mark.parametrize("mode", parameters(compiled=False))
@by_measure
def test_answers_to_non_finite_entries(mode, function):
    array = np.array([3.0, np.nan], np.float32)
    assert np.all(np.isnan(mode.call(function, array, 1.0)))
    assert np.all(mode.call(function, array, 1.0, nonfinite="skip") == 0)
    assert np.all(mode.call(function, array, 1.0, nonfinite="zero") == 0)
    with pytest.raises(FloatingPointError, match="NaN or inf in t"):
        mode.call(function, array, 1.0, nonfinite="raise")


@every_mode
@pytest.mark.parametrize("dtype", list(oracle.TYPES))
def test_values_are_limited_and_the_rest_kept(mode, dtype):
    array = np.array([-np.inf, -3, -0.5, 0, 1e-40, 0.5, 3, np.inf, np.nan]).astype(
        oracle.TYPES[dtype]
    )
    clipped = mode.call("clip_by_value", array, mode.scalar(-1.0), mode.scalar(1.0))
    assert clipped.dtype == array.dtype
    assert np.array_equal(clipped[[0, 1, 6, 7]].astype(float), [-1, -1, 1, 1])
    assert np.isnan(clipped[8].astype(float))
    assert oracle.bits(clipped[2:6]) == oracle.bits(array[2:6])


@every_mode
@pytest.mark.parametrize("nonfinite", ["skip", "zero"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_of_a_bad_tensor_become_zeros_if_asked(mode, nonfinite, value):
    bad, good = np.array([3.0, value], np.float32), np.array([3.0, 0.5], np.float32)
    bounds = mode.scalar(-1.0), mode.scalar(1.0)
    assert np.all(mode.call("clip_by_value", bad, *bounds, nonfinite=nonfinite) == 0)
    assert mode.call("clip_by_value", good, *bounds, nonfinite=nonfinite).tolist() == [1.0, 0.5]


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_values_of_a_bad_tensor_raise_if_asked(mode):
    bad = np.array([3.0, np.inf], np.float32)
    with pytest.raises(FloatingPointError, match="NaN or inf in t"):
        mode.call("clip_by_value", bad, -1.0, 1.0, nonfinite="raise")


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_bounds_are_checked(mode):
    array = np.array([-3.0, 3.0], np.float32)
    assert np.array_equal(mode.call("clip_by_value", array, None, 1.0), [-3, 1])
    assert np.array_equal(mode.call("clip_by_value", array, -1.0, None), [-1, 3])
    with pytest.raises(ValueError, match="must not exceed"):
        mode.call("clip_by_value", array, 1.0, -1.0)
    with pytest.raises(ValueError, match="`clip_value_max` must be a number"):
        mode.call("clip_by_value", array, -1.0, np.nan)
    with pytest.raises(TypeError, match="real"):
        mode.call("clip_by_value", array.astype(np.complex64), -1.0, 1.0)


@every_mode
def test_units_are_clipped_to_a_share_of_their_weights(mode):
    gradient = np.array([[3.0, 0.3], [4.0, 0.4]], np.float32)
    weights = np.array([[6.0, 8.0], [8.0, 6.0]], np.float32)
    columns = mode.call("adaptive_clip", gradient, weights, mode.scalar(0.1), axes=0)
    assert np.allclose(columns, [[0.6, 0.3], [0.8, 0.4]])
    whole = mode.call("adaptive_clip", gradient, weights, mode.scalar(0.1), axes=(0, 1))
    assert float(oracle.norm([whole])) == pytest.approx(np.sqrt(2.0), rel=1e-6)


@every_mode
def test_weights_of_zero_can_learn(mode):
    gradient = np.array([3.0, 4.0], np.float32)
    clipped = mode.call("adaptive_clip", gradient, np.zeros(2, np.float32), 0.5, 0.01)
    assert float(oracle.norm([clipped])) == pytest.approx(0.005, rel=1e-6)


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_adaptive_clipping_checks_its_arguments(mode):
    ones = np.ones(2, np.float32)
    with pytest.raises(ValueError, match="`clipping` must be >= 0"):
        mode.call("adaptive_clip", ones, ones, -0.1)
    assert oracle.bits(mode.call("adaptive_clip", ones, ones, None)) == oracle.bits(ones)
    with pytest.raises(ValueError, match="`eps` must be >= 0"):
        mode.call("adaptive_clip", ones, ones, 0.1, -1e-3)


@pytest.mark.parametrize("mode", parameters(differentiable=True, compiled=False))
@by_measure
def test_the_derivative_at_zero_is_one(mode, function):
    zeros = np.zeros(3, np.float32)
    gradient = mode.gradient(lambda f, x: getattr(f, function)(x, 1.0), zeros)
    assert np.array_equal(gradient, [1, 1, 1])
    slices = np.zeros((2, 3), np.float32)
    gradient = mode.gradient(lambda f, x: f.clip_by_norm(x, 1.0, axes=1), slices)
    assert np.all(gradient == 1)


@pytest.mark.parametrize("mode", parameters(differentiable=True, compiled=False))
@pytest.mark.parametrize("scale", [1.0, 1e25, 1e-25])
def test_the_derivative_is_that_of_the_projection(mode, scale):
    # d/dx sum(x / |x|) at (3, 4): the radial part vanishes
    x = np.array([3 * scale, 4 * scale], np.float32)
    gradient = mode.gradient(lambda f, t: f.clip_by_norm(t, scale), x)
    unit = np.array([0.6, 0.8])
    wanted = (1 - unit.sum() * unit) / 5
    assert np.allclose(gradient, wanted, rtol=1e-5)


@pytest.mark.parametrize("mode", parameters(differentiable=True, compiled=False))
def test_the_derivative_through_a_global_norm_is_finite_at_zero(mode):
    zeros = np.zeros(3, np.float32)
    gradient = mode.gradient(lambda f, x: f.clip_by_global_norm([x, None], 1.0)[0][0], zeros)
    assert np.array_equal(gradient, [1, 1, 1])
