"""Thins columns to a screen's width so that every spike survives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Thinned:
    """A column, (S,) or (S, P), in B buckets.

    Attributes:
        low: The least finite value of each bucket, (B,) or (B, P); NaN where there is none.
        mean: The mean of the finite values, likewise.
        high: The greatest finite value, likewise.
        zeros: How many values are exactly 0.
        nans: How many are NaN.
        infinities: How many are infinite.
    """

    low: Column
    mean: Column
    high: Column
    zeros: Counts
    nans: Counts
    infinities: Counts


def bucket_starts(num_rows: int, num_buckets: int) -> Counts:
    """Return the first row of each bucket; all buckets are as long as each other, to one row.

    Args:
        num_rows: How many rows there are.
        num_buckets: How many buckets are wanted; fewer come out where there are fewer rows.

    Returns:
        Rising row numbers from 0, (min(num_rows, num_buckets),).

    Example:
        >>> bucket_starts(10, 4).tolist()
        [0, 2, 5, 7]
    """
    num_buckets = min(num_rows, num_buckets)
    return np.arange(num_buckets, dtype=np.int64) * num_rows // max(num_buckets, 1)


def thin(column: Column, starts: Counts) -> Thinned:
    """Reduce a column to the least, mean and greatest finite value of each bucket.

    Args:
        column: One value a row, (S,), or several, (S, P).
        starts: The first row of each bucket, as `bucket_starts` gives them.

    Returns:
        The buckets; zeros and non-finite values are counted besides.

    Example:
        >>> thin(np.array([1.0, 9.0, np.nan, 2.0]), bucket_starts(4, 2)).high.tolist()
        [9.0, 2.0]
    """
    finite = np.isfinite(column)
    num_finite = np.add.reduceat(finite, starts, axis=0, dtype=np.int64)
    empty = num_finite == 0
    low = np.minimum.reduceat(np.where(finite, column, np.inf), starts, axis=0)
    high = np.maximum.reduceat(np.where(finite, column, -np.inf), starts, axis=0)
    # Dividing first keeps the sum of values near the largest float finite.
    rows = np.diff(np.append(starts, len(column))).reshape(-1, *[1] * (column.ndim - 1))
    share = np.where(finite, column, 0.0) / np.repeat(rows, rows.ravel(), axis=0)
    with np.errstate(over="ignore"):  # rounding may still carry it over; it is clipped below
        mean = np.add.reduceat(share, starts, axis=0) * (rows / np.maximum(num_finite, 1))
    return Thinned(
        low=np.where(empty, np.nan, low),
        mean=np.where(empty, np.nan, np.clip(mean, low, high)),
        high=np.where(empty, np.nan, high),
        zeros=_count(column == 0, starts),
        nans=_count(np.isnan(column), starts),
        infinities=_count(np.isinf(column), starts),
    )


def _count(hits: NDArray[np.bool_], starts: Counts) -> Counts:
    """Return how many hits there are in each bucket."""
    return np.add.reduceat(hits, starts, axis=0, dtype=np.int64)
