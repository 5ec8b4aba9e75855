"""Runs of any length at a screen's width: from summaries where there are some."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gradclip.record.layout import FACTORS
from gradclip.record.rows import columns_of, summarized
from gradclip.record.run import ThinRun
from gradclip.record.store import Piece
from gradclip.record.thin import Counts, Thinned, bucket_starts, merge

_SLICE = 4096  # steps that are read at once


class _Block(NamedTuple):
    """Buckets of neighbouring steps, N of them."""

    steps: Counts
    last_steps: Counts
    rows: Counts
    columns: dict[str, Thinned]


def thin_pieces(pieces: list[Piece], num_buckets: int) -> ThinRun:
    """Return the steps of pieces in at most so many buckets.

    Columns that not all pieces have are left out.
    """
    total = sum(map(len, pieces))
    size = max(-(-total // num_buckets), 1)
    # Half as many buckets as were asked for, rather than many times as much to read.
    factor = max((f for f in FACTORS if f <= 2 * size), default=1)
    blocks = [block for piece in pieces for block in _blocks(piece, factor, size)]
    if not blocks:
        nothing = np.zeros(0, dtype=np.int64)
        return ThinRun(steps=nothing, last_steps=nothing, rows=nothing, columns={})
    names = set.intersection(*(set(block.columns) for block in blocks))
    fine = _Block(
        steps=np.concatenate([block.steps for block in blocks]),
        last_steps=np.concatenate([block.last_steps for block in blocks]),
        rows=np.concatenate([block.rows for block in blocks]),
        columns={n: Thinned.joined([b.columns[n] for b in blocks]) for n in sorted(names)},
    )
    return _merged(fine, num_buckets, factor)


def _merged(fine: _Block, num_buckets: int, factor: int) -> ThinRun:
    """Return buckets of about as many steps each."""
    if len(fine.rows) <= num_buckets:
        return ThinRun(
            steps=fine.steps,
            last_steps=fine.last_steps,
            rows=fine.rows,
            columns={name: column.wide() for name, column in fine.columns.items()},
        )
    if factor == 1:
        ends = np.cumsum(fine.rows)
        bucket = (ends - fine.rows) * num_buckets // max(int(ends[-1]), 1)
        starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    else:  # as many summaries each, which is far faster
        starts = np.arange(0, len(fine.rows), -(-len(fine.rows) // num_buckets))
    behind = np.append(starts[1:], len(fine.rows))
    return ThinRun(
        steps=fine.steps[starts],
        last_steps=fine.last_steps[behind - 1],
        rows=np.add.reduceat(fine.rows, starts),
        columns={name: merge(c, fine.rows, starts).wide() for name, c in fine.columns.items()},
    )


def _blocks(piece: Piece, factor: int, size: int) -> Iterator[_Block]:
    """Return a piece's buckets: summaries, and steps before and behind them."""
    if factor == 1:
        yield from _raw(piece, piece.start, piece.stop, size)
        return
    first = -(-piece.start // factor)
    last = max(min(piece.stop // factor, piece.num_summaries(factor)), first)
    finer = max((f for f in FACTORS if f < factor), default=1)
    if last == first:
        yield from _blocks(piece, finer, min(size, factor))
        return
    if piece.start < first * factor:
        head = piece.part(piece.start, first * factor)
        yield from _blocks(head, finer, factor)
    rows, sound = piece.summaries(factor, first, last)
    if sound:
        steps, last_steps, counts = (rows[n].astype(np.int64) for n in _ENDS)
        yield _Block(steps, last_steps, counts, summarized(rows))
    else:
        middle = piece.part(first * factor, last * factor)
        yield from _blocks(middle, finer, factor)
    if last * factor < piece.stop:
        tail = piece.part(last * factor, piece.stop)
        yield from _blocks(tail, finer, factor)


_ENDS = ("step", "last_step", "num_rows")


def _raw(piece: Piece, start: int, stop: int, size: int) -> Iterator[_Block]:
    """Return buckets of `size` steps, made of the steps themselves."""
    width = max(_SLICE // size, 1) * size
    for begin in range(start, stop, width):
        steps, tensors, _ = piece.steps(begin, min(begin + width, stop))
        if not len(steps):
            continue
        starts = bucket_starts(len(steps), -(-len(steps) // size))
        ends = np.append(starts[1:], len(steps))
        numbers = steps["step"].astype(np.int64)
        columns = columns_of(steps, tensors, starts)
        yield _Block(numbers[starts], numbers[ends - 1], ends - starts, columns)
