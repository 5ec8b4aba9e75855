"""Reads runs, also while they are still being written: whole, in slices, or thinned."""

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from gradclip.errors import RunError
from gradclip.record.description import foreign, read_description, unreadable
from gradclip.record.jsonl import STEPS_FILE, parse_columns
from gradclip.record.layout import NORMS, NUMBERS, STATISTICS, Row
from gradclip.record.run import Numbers, Run, ThinRun, Updates
from gradclip.record.schema import Json, Metadata, Status
from gradclip.record.shards import Shards
from gradclip.record.store import Piece, Store
from gradclip.record.thin import bucket_starts, thin
from gradclip.record.thinning import thin_pieces


def read_run(
    path: str | os.PathLike[str],
    first: int | None = None,
    last: int | None = None,
    *,
    rank: int | None = None,
) -> Run:
    """Read a run directory, as far as it is written.

    Args:
        path: The directory that a `RunWriter` or a `Recorder` wrote, in any schema so far.
        first: The first step to read; None for the first that there is.
        last: The last step to read; None for the last that there is.
        rank: Whose records to read, of several processes that wrote one run; None for those of
            all that recorded a part of each step, put together, else for the first one's.

    Returns:
        The run so far. A torn last record is left out, and so is what is damaged.

    Raises:
        RunError: There is no run, the files are not ours, or the schema is newer than this code.

    Example:
        >>> read_run("no-such-run")
        Traceback (most recent call last):
        ...
        gradclip.errors.RunError: There is no run in no-such-run: it has no run.json. ...
    """
    return open_run(path, rank=rank).read(first, last)


def open_run(path: str | os.PathLike[str], *, rank: int | None = None) -> "RunReader":
    """Open a run directory to read of it what is needed, and to follow it while it grows.

    Args:
        path: As in `read_run`.
        rank: As in `read_run`.

    Returns:
        What reads it.

    Raises:
        RunError: As in `read_run`.
    """
    return RunReader(path, rank=rank)


class RunReader:
    """Read of a run what is asked for; `refresh` sees what was written since.

    Args:
        path: As in `read_run`.
        rank: As in `read_run`.

    Raises:
        RunError: As in `read_run`.

    Attributes:
        path: The directory.
    """

    def __init__(self, path: str | os.PathLike[str], *, rank: int | None = None) -> None:
        self.path = Path(path)
        self._description = read_description(self.path)
        shards = self.metadata.shards
        self._store = (
            Shards(self.path, shards)
            if rank is None and shards > 1
            else Store(self.path, rank or 0)
        )
        self.refresh()

    def refresh(self) -> None:
        """Look again at what there is.

        Raises:
            RunError: As in `read_run`.
        """
        self._description = read_description(self.path)
        if self._description.schema > 1:
            self._store.refresh()
        if self._store.foreign and not self._store.pieces():
            reason = f"{min(self._store.foreign)} is no file of records"
            raise RunError(foreign(self.path, reason))

    @property
    def metadata(self) -> Metadata:
        """What was known before the first step."""
        return self._description.metadata

    @property
    def status(self) -> Status:
        """How the run ended, or `running`."""
        return self._description.status

    @property
    def summary(self) -> dict[str, Json] | None:
        """What was kept of the whole run; None until it ends."""
        return self._description.summary

    @property
    def ranks(self) -> tuple[int, ...]:
        """The processes that wrote it."""
        return tuple(sorted(self._store.ranks)) or (0,)

    @property
    def num_steps(self) -> int:
        """How many steps there are by now."""
        if self._description.schema == 1:
            return len(self.read().steps)
        return sum(map(len, self._store.pieces()))

    @property
    def num_beginnings(self) -> int:
        """How many times writing began; steps read before a new one may be other ones by now."""
        return self._store.num_sets

    def spans(self, num_steps: int) -> Iterator[tuple[int, int]]:
        """Yield the first and last step of parts of at most so many steps that files hold."""
        for piece in self._store.pieces():
            for start in range(piece.start, piece.stop, num_steps):
                rows, _ = piece.part(start, min(start + num_steps, piece.stop)).numbers()
                if len(rows):
                    yield int(rows["step"][0]), int(rows["step"][-1])

    def read(self, first: int | None = None, last: int | None = None) -> Run:
        """Return the steps first..last, both included, column by column."""
        pieces = self._store.pieces(first, last)
        columns = self._columns_of_lines(first, last)
        if columns is None:
            columns = _columns(pieces, len(self.metadata.parameters))
        return Run(
            path=self.path,
            status=self.status,
            metadata=self.metadata,
            summary=self.summary,
            updates=_updates(pieces, None),
            **columns,
        )

    def numbers(self, first: int | None = None, last: int | None = None) -> Numbers:
        """Return the steps first..last without their tensors: little even of a long run.

        Args:
            first: As in `read_run`.
            last: As in `read_run`.
        """
        columns = self._columns_of_lines(first, last)
        if columns is None:
            parts = [piece.numbers() for piece in self._store.pieces(first, last)]
            columns = _numbers([rows for rows, _ in parts])
            columns["damaged"] = sum(damaged for _, damaged in parts)
        names = (f.name for f in fields(Numbers))
        return Numbers(**{name: columns[name] for name in names if name in columns})

    def updates(
        self, num_rows: int | None = None, first: int | None = None, last: int | None = None
    ) -> Updates | None:
        """Return what was really applied at the steps first..last, without the steps.

        Args:
            num_rows: At how many steps at most, evenly spaced among those at which it was
                measured; None for all of them.
            first: As in `read_run`.
            last: As in `read_run`.
        """
        return _updates(self._store.pieces(first, last), num_rows)

    def thin(self, num_buckets: int, first: int | None = None, last: int | None = None) -> ThinRun:
        """Return the steps first..last in at most so many buckets; long runs are not read whole.

        Args:
            num_buckets: How many, at least 1.
            first: As in `read_run`.
            last: As in `read_run`.
        """
        columns = self._columns_of_lines(first, last)
        if columns is None:
            return thin_pieces(self._store.pieces(first, last), num_buckets)
        starts = bucket_starts(len(columns["steps"]), num_buckets)
        steps = columns["steps"]
        ends = np.append(starts[1:], len(steps))
        names = (*NUMBERS, *NORMS, "skipped") if len(steps) else ()
        return ThinRun(
            steps=steps[starts],
            last_steps=steps[ends - 1] if len(steps) else steps,
            rows=ends - starts if len(steps) else starts,
            columns={n: thin(np.asarray(columns[n], dtype=np.float64), starts) for n in names},
        )

    def _columns_of_lines(self, first: int | None, last: int | None) -> dict[str, Any] | None:
        """Return the columns of a run of schema 1; None of another."""
        if self._description.schema > 1:
            return None
        path = self.path / STEPS_FILE
        try:
            columns = parse_columns(path, len(self.metadata.parameters))
        except OSError as error:
            raise RunError(unreadable(path, error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(foreign(self.path, error)) from error
        steps = columns["steps"]
        chosen = (steps >= (first or 0)) & (steps <= (np.inf if last is None else last))
        return {name: column[chosen] for name, column in columns.items()} | {
            "lost": np.zeros(int(chosen.sum()), dtype=np.int64)
        }


def _updates(pieces: list[Piece], num_rows: int | None) -> Updates | None:
    """Return so many of the updates that were measured at the steps of some pieces."""
    spans = [(piece, span) for piece in pieces if (span := piece.updates())]
    total = sum(len(span) for _, span in spans)
    if not total:
        return None
    wanted = np.arange(total)
    if num_rows is not None and num_rows < total:
        wanted = np.linspace(0, total - 1, num_rows).round().astype(np.int64)
    found, begin = [], 0
    for piece, span in spans:
        places = wanted[(wanted >= begin) & (wanted < begin + len(span))] - begin + span.start
        found.append(piece.updates_at(places))
        begin += len(span)
    return Updates(
        steps=_together(found, "step", np.int64),
        weight_norms=_together(found, "weight_norms", np.float64),
        update_norms=_together(found, "update_norms", np.float64),
    )


def _columns(pieces: list[Piece], num_parameters: int) -> dict[str, Any]:
    """Return the columns of `Run` of some pieces."""
    parts = [piece.steps(piece.start, piece.stop) for piece in pieces]
    steps, tensors = [part[0] for part in parts], [part[1] for part in parts]
    columns = _numbers(steps)
    columns["damaged"] = sum(part[2] for part in parts)
    for name in (*NORMS, *STATISTICS):
        if name in STATISTICS and not any(name in (t.dtype.names or ()) for t in tensors):
            continue
        shape = (len(columns["steps"]), num_parameters)
        columns[name] = _together(tensors, name, np.float64).reshape(shape)
    return columns


def _numbers(steps: list[Row]) -> dict[str, Any]:
    """Return the columns of steps as wholes."""
    columns: dict[str, Any] = {name: _together(steps, name, np.float64) for name in NUMBERS}
    columns["steps"] = _together(steps, "step", np.int64)
    columns["skipped"] = _together(steps, "skipped", np.bool_)
    columns["lost"] = _together(steps, "lost", np.int64)
    return columns


def _together(parts: list[Row], name: str, dtype: Any) -> Any:
    """Return one column of several files; NaN for those that lack it."""
    columns = [
        rows[name]
        if name in (rows.dtype.names or ())
        else np.full(rows["norms_before"].shape, np.nan)
        for rows in parts
    ]
    return np.concatenate(columns).astype(dtype) if columns else np.zeros(0, dtype)
