"""Thins columns to a screen's width so that every spike survives."""

from dataclasses import dataclass, fields
from typing import Any

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
        if len(parts) == 1:  # not worth a copy
            return parts[0]
        names = [f.name for f in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})

    def wide(self) -> "Thinned":
        """Return the same in float64 and int64: files keep narrower types."""
        numbers = {n: getattr(self, n).astype(np.float64) for n in ("low", "mean", "high")}
        counts = {n: getattr(self, n).astype(np.int64) for n in ("zeros", "nans", "infinities")}
        return Thinned(**numbers, **counts)

    def column(self, place: int | slice) -> "Thinned":
        """Return one of several columns, or some."""
        return Thinned(**{f.name: getattr(self, f.name)[:, place] for f in fields(self)})


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
    rows = _lengths(starts, len(column)).reshape(-1, *[1] * (column.ndim - 1))
    if finite.all():  # as nearly always
        return _thin_finite(column, rows, starts)
    num_finite = _count(finite, starts)
    empty = num_finite == 0
    low = _reduce(np.minimum, np.where(finite, column, np.inf), starts)
    high = _reduce(np.maximum, np.where(finite, column, -np.inf), starts)
    mean = _mean(np.where(finite, column, 0.0), rows, starts) * (rows / np.maximum(num_finite, 1))
    return Thinned(
        low=np.where(empty, np.nan, low),
        mean=np.where(empty, np.nan, np.clip(mean, low, high)),
        high=np.where(empty, np.nan, high),
        zeros=_count(column == 0, starts),
        nans=_count(np.isnan(column), starts),
        infinities=_count(np.isinf(column), starts),
    )


def _thin_finite(column: Column, rows: Counts, starts: Counts) -> Thinned:
    """Do the same for a column without NaN and infinities."""
    low, high = (_reduce(of, column, starts) for of in (np.minimum, np.maximum))
    none = np.zeros(low.shape, dtype=np.int64)
    return Thinned(
        low=low,
        mean=np.clip(_mean(column, rows, starts), low, high),
        high=high,
        zeros=_count(column == 0, starts),
        nans=none,
        infinities=none,
    )


def _mean(column: Column, rows: Counts, starts: Counts) -> Column:
    """Return the sum of each bucket over its number of rows."""
    # Dividing first keeps the sum of values near the largest float finite.
    share = column / (rows if len(rows) == 1 else np.repeat(rows, rows.ravel(), axis=0))
    with np.errstate(over="ignore"):  # rounding may still carry it over; whoever asks clips it
        mean: Column = _reduce(np.add, share, starts)
    return mean


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
    finite, means = rows, thinned.mean
    if thinned.nans.any() or thinned.infinities.any():
        finite = rows - thinned.nans - thinned.infinities
        means = np.where(finite > 0, means, 0.0)
    total = _reduce(np.add, finite, starts)
    share = finite / np.maximum(np.repeat(total, _lengths(starts, len(rows)), axis=0), 1)
    # NaN where all are.
    low, high = _reduce(np.fmin, thinned.low, starts), _reduce(np.fmax, thinned.high, starts)
    with np.errstate(over="ignore"):  # as above
        mean = _reduce(np.add, means * share, starts)
    return Thinned(
        low=low,
        mean=np.where(total == 0, np.nan, np.clip(mean, low, high)),
        high=high,
        zeros=_count(thinned.zeros, starts),
        nans=_count(thinned.nans, starts),
        infinities=_count(thinned.infinities, starts),
    )


def _lengths(starts: Counts, num_rows: int) -> Counts:
    """Return how many rows each bucket has."""
    if len(starts) == 1:
        return np.array([num_rows], dtype=np.int64)
    return np.diff(starts, append=num_rows)


def _count(hits: NDArray[np.bool_] | Counts, starts: Counts) -> Counts:
    """Return how many hits there are in each bucket."""
    if not hits.any():  # as nearly always, but for zeros
        return np.zeros((len(starts), *hits.shape[1:]), dtype=np.int64)
    counts: Counts = _reduce(np.add, hits.astype(np.int64), starts)
    return counts


def _reduce(of: np.ufunc, column: NDArray[Any], starts: Counts) -> Any:
    """Return each bucket's sum, or least or greatest value."""
    if len(starts) == 1:  # as whoever writes asks for it, again and again
        return of.reduce(column, axis=0, keepdims=True)
    size = starts[1] if len(starts) else 0
    if len(starts) == 0 or (np.diff(starts) != size).any() or len(column) - starts[-1] > size:
        return of.reduceat(column, starts, axis=0)
    # Buckets of one size, but for a shorter last one: several times as fast as `reduceat`.
    whole = column[: starts[-1]].reshape(len(starts) - 1, size, *column.shape[1:])
    last = of.reduce(column[starts[-1] :], axis=0, keepdims=True)
    return np.concatenate([of.reduce(whole, axis=1), last])
