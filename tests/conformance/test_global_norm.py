"""The numerical contract of the global norm, in every framework, eager and compiled."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.conformance import oracle
from tests.conformance.frameworks import parameters
from tests.conformance.gradients import gradient_lists, present, type_of

every_mode = pytest.mark.parametrize("mode", parameters())
some = settings(max_examples=60, deadline=None)


@every_mode
@some
@given(gradients=gradient_lists())
def test_norm_is_right_at_every_scale_and_type(mode, gradients):
    exact = float(oracle.norm(gradients))
    norm = mode.call("global_norm", gradients)
    assert norm.dtype.name in {"float32", "float64"}
    assert abs(float(norm) - exact) <= oracle.NORM_ERROR[type_of(gradients)] * exact + (
        oracle.DENORMAL / 2
    )


@every_mode
@some
@given(gradients=gradient_lists(), slack=st.sampled_from([1.0, 1.001, 2.0, 1e6]))
def test_at_or_below_the_threshold_every_bit_stays(mode, gradients, slack):
    limit = float(mode.call("global_norm", gradients)) * slack
    assume(limit < 3e38)  # a float32 threshold, where a mode takes one
    clipped, _ = mode.call("clip_by_global_norm", gradients, mode.scalar(limit))
    for before, after in zip(gradients, clipped, strict=True):
        assert (before is None) == (after is None)
        if before is not None:
            assert oracle.bits(before) == oracle.bits(after)
            assert before.dtype == after.dtype
            assert before.shape == after.shape


@every_mode
@some
@given(gradients=gradient_lists(), share=st.sampled_from([0.999, 0.5, 0.1, 1e-3, 1e-30]))
def test_above_the_threshold_each_entry_is_scaled_with_one_rounding(mode, gradients, share):
    exact = oracle.norm(gradients)
    limit = np.float32(exact * share)
    assume(limit > 0)
    assume(share < 1)
    assume(float(limit) < float(exact) * 0.9995)
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(float(limit)))
    assert float(norm) == float(mode.call("global_norm", gradients))
    factor = np.longdouble(limit) / exact
    for before, after in zip(present(gradients), present(clipped), strict=True):
        wanted = oracle.wide(before) * factor
        assert np.all(oracle.entry_errors(after, wanted, mode.flushed(limit)) <= 1)
    if type_of(gradients) in oracle.CLIPPED_ERROR and limit > 1e-37:
        reached = oracle.norm(clipped)
        assert abs(reached - limit) <= oracle.CLIPPED_ERROR[type_of(gradients)] * float(limit)


@every_mode
def test_squares_that_overflow_or_underflow_are_no_excuse(mode):
    for scale, dtype in itertools.chain(
        itertools.product([1e-38, 1e-30, 1e-20, 1e20, 1e30, 5e37], [np.float32]),
        [(60.0, np.float16), (1e-6, np.float16), (1e30, oracle.TYPES["bfloat16"])],
    ):
        gradients = [np.array([3 * scale], dtype), np.array([4 * scale], dtype)]
        exact = float(oracle.norm(gradients))
        assert float(mode.call("global_norm", gradients)) == pytest.approx(exact, rel=1e-6)


@every_mode
def test_the_norm_does_not_depend_on_how_entries_are_grouped(mode):
    entries = np.random.default_rng(0).normal(size=6000).astype(np.float32)
    whole = mode.call("global_norm", [entries])
    parts = mode.call("global_norm", np.split(entries, 10))
    exact = float(oracle.norm([entries]))
    assert float(whole) == pytest.approx(exact, rel=1e-7)
    assert float(parts) == pytest.approx(exact, rel=1e-7)


@every_mode
@pytest.mark.parametrize("dtype", list(oracle.TYPES))
def test_a_million_equal_entries_do_not_drift(mode, dtype):
    entries = np.full(1_000_001, 0.1, oracle.TYPES[dtype])
    exact = float(oracle.norm([entries]))
    norm = float(mode.call("global_norm", [entries]))
    assert norm == pytest.approx(exact, rel=oracle.NORM_ERROR[dtype])


@every_mode
def test_mixed_types_keep_their_types(mode):
    types = ["float16", "bfloat16", "float32"]
    gradients = [np.array([3.0, 4.0], oracle.TYPES[t]) for t in types]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(1.0))
    assert float(norm) == pytest.approx(np.sqrt(75.0), rel=1e-6)
    assert [g.dtype.name for g in clipped] == types


@every_mode
def test_complex_entries_count_by_modulus(mode):
    gradients = [np.array([3 + 4j], np.complex64), np.array([12.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(6.5))
    assert float(norm) == 13.0
    assert clipped[0] == np.complex64(1.5 + 2j)


@every_mode
def test_a_threshold_of_zero_gives_zeros(mode):
    gradients = [np.array([3.0, 0.0], np.float32), None, np.zeros(2, np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(0.0))
    assert float(norm) == 3.0
    assert clipped[1] is None
    assert all(np.all(g == 0) for g in present(clipped))


@every_mode
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_infinite_threshold_measures_and_touches_nothing(mode, value):
    gradients = [np.array([3.0, value], np.float32), np.array([1e-40], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(np.inf))
    assert not np.isfinite(norm)
    assert [oracle.bits(g) for g in clipped] == [oracle.bits(g) for g in gradients]


@every_mode
def test_no_threshold_is_off(mode):
    gradients = [np.array([3.0, 4.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, None)
    assert float(norm) == 5.0
    assert oracle.bits(clipped[0]) == oracle.bits(gradients[0])


@every_mode
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_entries_propagate_to_all(mode, value):
    gradients = [np.array([3.0, value], np.float32), np.array([1.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(1.0))
    assert np.array_equal(norm, np.float32(value), equal_nan=True)
    assert all(np.all(np.isnan(g)) for g in clipped)


@every_mode
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_skip_drops_every_gradient_and_says_so_in_the_norm(mode, value):
    gradients = [np.array([3.0, value], np.float32), np.array([1.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(1.0), nonfinite="skip")
    assert not np.isfinite(norm)
    assert all(np.all(g == 0) for g in clipped)


@every_mode
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_zero_clears_the_bad_tensors_alone(mode, value):
    gradients = [np.array([3.0, value], np.float32), None, np.array([3.0, 4.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(1.0), nonfinite="zero")
    assert float(norm) == 5.0
    assert np.array_equal(clipped[0], [0, 0])
    assert np.allclose(clipped[2], [0.6, 0.8])


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_raise_names_the_bad_tensor(mode):
    gradients = [np.array([1.0], np.float32), np.array([3.0, np.nan], np.float32)]
    with pytest.raises(ArithmeticError, match=r"NaN or inf in .*1\]"):
        mode.call("clip_by_global_norm", gradients, 1.0, nonfinite="raise")
    clipped, _ = mode.call("clip_by_global_norm", gradients[:1], 0.5, nonfinite="raise")
    assert clipped[0] == 0.5


@every_mode
def test_a_known_norm_is_used_instead_of_measured(mode):
    gradients = [np.array([3.0, 4.0], np.float32)]
    clipped, norm = mode.call("clip_by_global_norm", gradients, mode.scalar(1.0), mode.scalar(10.0))
    assert float(norm) == 10.0
    assert np.allclose(clipped[0], [0.3, 0.4])


@pytest.mark.parametrize("mode", parameters(compiled=False))
@pytest.mark.parametrize("threshold", [-1, -1e-30, np.nan, "1", True])
def test_a_threshold_that_is_no_threshold_is_refused(mode, threshold):
    with pytest.raises(ValueError, match="`clip_norm` must be"):
        mode.call("clip_by_global_norm", [np.ones(2, np.float32)], threshold)


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_a_negative_known_norm_is_refused(mode):
    with pytest.raises(ValueError, match="`use_norm` must be >= 0, got -1"):
        mode.call("clip_by_global_norm", [np.ones(2, np.float32)], 1.0, -1.0)


@pytest.mark.parametrize("mode", parameters(compiled=True))
@pytest.mark.parametrize("threshold", [-1.0, np.nan])
def test_a_traced_threshold_below_zero_cannot_reverse_a_gradient(mode, threshold):
    gradients = [np.array([3.0, 4.0], np.float32)]
    try:
        clipped, _ = mode.call("clip_by_global_norm", gradients, mode.scalar(threshold))
    except ValueError:
        return  # better still
    assert np.all(np.isnan(clipped[0]))


@every_mode
def test_an_empty_list_has_norm_zero(mode):
    for gradients in ([], [None, None]):
        clipped, norm = mode.call("clip_by_global_norm", gradients, 1.0)
        assert clipped == gradients
        assert float(norm) == 0.0


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_an_iterator_is_read_once(mode):
    arrays = (mode.tensor(np.array([x], np.float32)) for x in (3.0, 4.0))
    clipped, norm = mode.functions.clip_by_global_norm(arrays, 1.0)
    assert float(norm) == 5.0
    assert np.allclose([mode.array(g) for g in clipped], [[0.6], [0.8]])


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_a_used_up_generator_warns(mode):
    with pytest.warns(UserWarning, match="empty generator"):
        mode.functions.clip_by_global_norm((x for x in ()), 1.0)


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_integers_are_refused(mode):
    with pytest.raises(TypeError, match="must be floating or complex"):
        mode.functions.clip_by_global_norm([mode.integers()], 1.0)


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_an_unknown_answer_to_non_finite_entries_is_refused(mode):
    with pytest.raises(ValueError, match="`nonfinite` must be one of"):
        mode.call("clip_by_global_norm", [np.ones(2, np.float32)], 1.0, nonfinite="ignore")
