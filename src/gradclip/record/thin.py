"""Thins columns to a screen's width so that every spike survives."""

from dataclasses import dataclass, fields

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

    @classmethod
    def joined(cls, parts: "list[Thinned]") -> "Thinned":
        """Return buckets one after the other."""
        names = [f.name for f in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


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


def merge(thinned: Thinned, rows: Counts, starts: Counts) -> Thinned:
    """Put neighbouring buckets together.

    Args:
        thinned: N buckets.
        rows: How many rows each of them has, (N,).
        starts: The first of each of the B buckets to make, in rising order.

    Returns:
        B buckets, as if the rows themselves had been thinned to them.

    Example:
        >>> fine = thin(np.array([1.0, 9.0, 2.0]), bucket_starts(3, 3))
        >>> merge(fine, np.array([1, 1, 1]), np.array([0, 2])).mean.tolist()
        [5.0, 2.0]
    """
    rows = rows.reshape(-1, *[1] * (thinned.mean.ndim - 1))
    finite = rows - thinned.nans - thinned.infinities
    total = np.add.reduceat(finite, starts, axis=0)
    share = finite / np.maximum(np.repeat(total, _lengths(starts, len(rows)), axis=0), 1)
    means = np.where(finite > 0, thinned.mean, 0.0)
    low, high = _extremes(thinned.low, thinned.high, starts)
    with np.errstate(over="ignore"):  # as above
        mean = np.add.reduceat(means * share, starts, axis=0)
    return Thinned(
        low=low,
        mean=np.where(total == 0, np.nan, np.clip(mean, low, high)),
        high=high,
        zeros=np.add.reduceat(thinned.zeros, starts, axis=0, dtype=np.int64),
        nans=np.add.reduceat(thinned.nans, starts, axis=0, dtype=np.int64),
        infinities=np.add.reduceat(thinned.infinities, starts, axis=0, dtype=np.int64),
    )


def _extremes(low: Column, high: Column, starts: Counts) -> tuple[Column, Column]:
    """Return the least and the greatest of each bucket; NaN where all are."""
    return np.fmin.reduceat(low, starts, axis=0), np.fmax.reduceat(high, starts, axis=0)


def _lengths(starts: Counts, num_rows: int) -> Counts:
    """Return how many rows each bucket has."""
    return np.diff(np.append(starts, num_rows))


def _count(hits: NDArray[np.bool_], starts: Counts) -> Counts:
    """Return how many hits there are in each bucket."""
    return np.add.reduceat(hits, starts, axis=0, dtype=np.int64)
