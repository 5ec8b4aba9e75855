"""The files of several ranks of which each recorded a part of every step, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.record.layout import NORMS, STATISTICS, UPDATES, Row, tensors_layout, updates_layout
from gradclip.record.store import Piece, Store

_TOTALS = ("global_norm_before", "global_norm_after")
_COUNTS = ("nonfinite", "zeros")


@dataclass(frozen=True, slots=True)
class SharedPiece(Piece):
    """Rows of the first rank, to which those of the others for the same steps are added.

    A step that one of them lacks is left out, and counts as damaged.

    Attributes:
        others: The files of the other ranks.
    """

    others: tuple[Store, ...]

    def steps(self, start: int, stop: int) -> tuple[Row, Row, int]:
        """Return some rows of steps and of their tensors, and how many were damaged."""
        steps, tensors, damaged = Piece.steps(self, start, stop)
        parts = [_steps_of(other, steps) for other in self.others]
        chosen, places = _common([steps, *(rows for rows, _ in parts)])
        all_steps = [steps, *(rows for rows, _ in parts)]
        all_tensors = [tensors, *(rows for _, rows in parts)]
        return (
            _whole_steps([rows[at] for rows, at in zip(all_steps, places, strict=True)]),
            _whole_tensors([rows[at] for rows, at in zip(all_tensors, places, strict=True)]),
            damaged + len(steps) - len(chosen),
        )

    def numbers(self) -> tuple[Row, int]:
        """Return the rows of steps without their tensors, and how many were damaged."""
        steps, damaged = Piece.numbers(self)
        ranks = [steps, *(_numbers_of(other, steps) for other in self.others)]
        chosen, places = _common(ranks)
        whole = _whole_steps([rows[at] for rows, at in zip(ranks, places, strict=True)])
        return whole, damaged + len(steps) - len(chosen)

    def updates_at(self, places: NDArray[np.int64]) -> Row:
        """Return some rows of the updates, without those that are damaged."""
        own = Piece.updates_at(self, places)
        ranks = [own, *(_updates_of(other, own) for other in self.others)]
        _, at = _common(ranks)
        return _whole_updates([rows[i] for rows, i in zip(ranks, at, strict=True)])

    def num_summaries(self, factor: int) -> int:
        """Return 0: a mean of norms cannot be added up."""
        del factor
        return 0


class Shards(Store):
    """The files of all ranks, as if one had recorded whole steps.

    Args:
        directory: The run's.
        count: How many ranks there are. A step is there once all of them have recorded it.
    """

    def __init__(self, directory: Path, count: int) -> None:
        super().__init__(directory)
        self._others = tuple(Store(directory, rank) for rank in range(1, count))

    @property
    def num_sets(self) -> int:
        """How many sets of files there are; each but the first may hide steps of those before."""
        return max([super().num_sets, *(other.num_sets for other in self._others)])

    def refresh(self) -> None:
        """Look for new files."""
        super().refresh()
        for other in self._others:
            other.refresh()

    def pieces(self, first: int | None = None, last: int | None = None) -> list[Piece]:
        """Return what holds of the steps first..last, both included, in order."""
        ends = [other.last_step() for other in self._others]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return []
        end = min([*known, *([] if last is None else [last])])
        return [
            SharedPiece(piece.readers, piece.start, piece.stop, self._others)
            for piece in super().pieces(first, end)
        ]


def _steps_of(store: Store, like: Row) -> tuple[Row, Row]:
    """Return a rank's rows for the steps that rows span, and their tensors."""
    found = [piece.steps(piece.start, piece.stop) for piece in _spanned(store, like)]
    if not found:
        return like[:0], np.zeros(0, tensors_layout(0, "<f8", statistics=False))
    tensors = _wide_tensors([tensors for _, tensors, _ in found])
    return np.concatenate([steps for steps, _, _ in found]), np.concatenate(tensors)


def _numbers_of(store: Store, like: Row) -> Row:
    """Return a rank's rows for the steps that rows span."""
    return np.concatenate([like[:0], *(piece.numbers()[0] for piece in _spanned(store, like))])


def _updates_of(store: Store, like: Row) -> Row:
    """Return a rank's rows of updates for the steps that rows span."""
    pieces = [(piece, span) for piece in _spanned(store, like) if (span := piece.updates())]
    measured = [piece.updates_at(np.arange(span.start, span.stop)) for piece, span in pieces]
    found = [like[:0], *measured]
    return np.concatenate(_wide_updates(found))


def _spanned(store: Store, like: Row) -> list[Piece]:
    """Return a rank's pieces for the steps that rows span."""
    return store.pieces(int(like["step"][0]), int(like["step"][-1])) if len(like) else []


def _common(ranks: Sequence[Row]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Return the numbers of the steps that all ranks have, and where each rank has them."""
    numbers = [rows["step"] for rows in ranks]
    chosen = numbers[0]
    for other in numbers[1:]:
        if len(other) != len(chosen) or (other != chosen).any():  # as hardly ever
            chosen = np.intersect1d(chosen, other)
    return chosen, [np.searchsorted(of_rank, chosen) for of_rank in numbers]


def _whole_steps(ranks: Sequence[Row]) -> Row:
    """Return steps as wholes: the first rank's numbers, and the norms of all parts."""
    whole = ranks[0].copy()
    for name in _TOTALS:
        whole[name] = _norm([rows[name] for rows in ranks])
    before, after = (whole[name] for name in _TOTALS)
    for rows in ranks[1:]:
        whole["skipped"] |= rows["skipped"]
        whole["lost"] = np.maximum(whole["lost"], rows["lost"])
    with np.errstate(all="ignore"):
        usual = np.isfinite(before) & (before > 0)
        ratio = np.where(usual, after / before, before == after)
    untouched = np.all([rows["scale"] == 1 for rows in ranks], axis=0)
    whole["scale"] = np.where(untouched, 1.0, ratio)
    return whole


def _whole_tensors(ranks: Sequence[Row]) -> Row:
    """Return what is known of tensors of which each rank has a part."""
    whole, *others = _wide_tensors(ranks)
    for name in NORMS:
        whole[name] = _norm([whole[name], *(rows[name] for rows in others)])
    for rows in others:
        for name in STATISTICS:
            if name in (whole.dtype.names or ()):
                put_together = np.add if name in _COUNTS else np.maximum  # which keeps NaN
                whole[name] = put_together(whole[name], rows[name])
    return whole


def _whole_updates(ranks: Sequence[Row]) -> Row:
    """Return the norms of weights and updates of which each rank has a part."""
    whole, *others = _wide_updates(ranks)
    for name in UPDATES:
        whole[name] = _norm([whole[name], *(rows[name] for rows in others)])
    return whole


def _norm(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the norms of wholes from those of their parts, at any scale."""
    wide = [part.astype(np.float64) for part in parts]
    total = wide[0]
    for part in wide[1:]:
        total = np.hypot(total, part)
    nans = np.any([np.isnan(part) for part in wide], axis=0)  # `hypot` prefers infinities
    return np.where(nans, np.nan, total)


def _wide_tensors(ranks: Sequence[Row]) -> list[Row]:
    """Return rows of tensors in one layout: float64, with the statistics that all of them have."""
    statistics = all("largest" in (rows.dtype.names or ()) for rows in ranks)
    (num_parameters,) = ranks[0].dtype["norms_before"].shape
    return _laid_out(ranks, tensors_layout(num_parameters, "<f8", statistics=statistics))


def _wide_updates(ranks: Sequence[Row]) -> list[Row]:
    """Return rows of updates in float64."""
    (num_parameters,) = ranks[0].dtype["update_norms"].shape
    return _laid_out(ranks, updates_layout(num_parameters, "<f8"))


def _laid_out(ranks: Sequence[Row], layout: np.dtype[np.void]) -> list[Row]:
    """Return rows in another layout, field by field."""
    found = []
    for rows in ranks:
        laid = np.zeros(len(rows), layout)
        for name in layout.names or ():
            if len(rows) and name in (rows.dtype.names or ()):
                laid[name] = rows[name]
        found.append(laid)
    return found
