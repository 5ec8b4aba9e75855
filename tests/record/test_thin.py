"""Tests of thinning: nothing that matters is lost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradclip.record.thin import bucket_starts, thin

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
COLUMNS = arrays(float, st.integers(1, 200), elements=ANY_FLOAT)


@given(COLUMNS, st.integers(1, 50))
def test_no_extreme_is_lost(column, num_buckets):
    finite = column[np.isfinite(column)]
    thinned = thin(column, bucket_starts(len(column), num_buckets))
    if len(finite):
        assert np.nanmin(thinned.low) == finite.min()
        assert np.nanmax(thinned.high) == finite.max()
    else:
        assert np.isnan(thinned.mean).all()


def test_values_at_the_largest_float_have_a_mean():
    # rounding lets the shares of some numbers of rows add up to more than the whole
    for num_rows in range(1, 60):
        column = np.full(num_rows, np.finfo(float).max)
        assert thin(column, bucket_starts(num_rows, 1)).mean[0] == np.finfo(float).max


@given(COLUMNS, st.integers(1, 50))
def test_every_zero_and_non_finite_value_is_counted(column, num_buckets):
    thinned = thin(column, bucket_starts(len(column), num_buckets))
    assert thinned.nans.sum() == np.isnan(column).sum()
    assert thinned.infinities.sum() == np.isinf(column).sum()
    assert thinned.zeros.sum() == (column == 0).sum()


@given(COLUMNS, st.integers(1, 50))
def test_the_mean_lies_between_the_extremes(column, num_buckets):
    thinned = thin(column, bucket_starts(len(column), num_buckets))
    known = ~np.isnan(thinned.mean)
    assert (thinned.low[known] <= thinned.mean[known]).all()
    assert (thinned.mean[known] <= thinned.high[known]).all()


@given(st.integers(0, 5000), st.integers(1, 1000))
def test_buckets_differ_by_at_most_one_row(num_rows, num_buckets):
    starts = bucket_starts(num_rows, num_buckets)
    lengths = np.diff(np.append(starts, num_rows))
    assert len(starts) == min(num_rows, num_buckets)
    assert not len(starts) or lengths.max() - lengths.min() <= 1


def test_a_spike_in_a_long_run_survives():
    column = np.ones(100_000)
    column[54_321] = 1e6
    assert thin(column, bucket_starts(len(column), 500)).high.max() == 1e6


def test_the_mean_of_values_near_the_largest_float_is_finite():
    column = np.array([1.7e308, 1.7e308])
    np.testing.assert_allclose(thin(column, bucket_starts(2, 1)).mean, [1.7e308])


def test_columns_are_thinned_side_by_side():
    column = np.array([[1.0, 10.0], [3.0, np.nan], [5.0, np.nan], [7.0, np.nan]])
    thinned = thin(column, bucket_starts(4, 2))
    np.testing.assert_array_equal(thinned.mean, [[2.0, 10.0], [6.0, np.nan]])
