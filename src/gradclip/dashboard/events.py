"""Tells pages what has changed: server-sent events, from one look at the files for all."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from gradclip.dashboard.discover import Signature, find_runs, signature
from gradclip.dashboard.rows import Row, Rows

HEARTBEAT = 10.0  # seconds; what is between may cut a silent connection
MAX_LISTENERS = 64
_PAUSE = 0.5  # seconds between looks at runs that are being written
_SEARCH = 2.0  # seconds between searches for runs; more where a search takes long

Changes = dict[str, Row | None]  # None: it is gone


@dataclass(eq=False, slots=True)
class _Listener:
    """Who wants to know of some runs, or of all.

    Attributes:
        paths: Of which runs; None for all.
        pending: What it has not been told yet; one row a run, the latest.
        wake: Set when there is something.
        ready: Set when changes are seen from now on.
    """

    paths: frozenset[str] | None
    pending: Changes = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, changes: Changes) -> None:
        """Keep what is of interest, and wake it."""
        mine = {p: row for p, row in changes.items() if self.paths is None or p in self.paths}
        self.pending |= mine
        if mine:
            self.wake.set()
        self.ready.set()


class Feed:
    """Look at the files as long as somebody listens, and tell every listener.

    Args:
        directory: Where all runs are.
        rows: What the list shows of them.
    """

    def __init__(self, directory: Path, rows: Rows) -> None:
        self._directory, self._rows = directory, rows
        self._listeners: set[_Listener] = set()
        self._signatures: dict[str, Signature] = {}
        self._running: set[str] = set()
        self._next_search = 0.0
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def num_listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def close(self) -> None:
        """End all listening, such as before the server ends."""
        self._closed = True
        for listener in self._listeners:
            listener.ready.set()
            listener.wake.set()

    async def listen(self, paths: frozenset[str] | None) -> AsyncIterator[str]:
        """Yield events until the listener leaves or the feed is closed.

        The first is `ready`: what has changed before must be fetched, what changes from then on
        is told. Then `run` with a row of the list, or `gone` with a path.

        Args:
            paths: Of which runs; None for all.
        """
        listener = _Listener(paths)
        self._listeners.add(listener)
        try:
            self._look_on()
            yield "retry: 1000\n\n"
            await listener.ready.wait()
            yield _event("ready", {})
            while not self._closed:
                try:
                    await asyncio.wait_for(listener.wake.wait(), HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"  # fails where nobody is any more
                    self._look_on()
                    continue
                listener.wake.clear()
                told, listener.pending = listener.pending, {}
                for path, row in told.items():
                    yield _event("run", row) if row else _event("gone", {"path": path})
        finally:
            self._listeners.discard(listener)

    def _look_on(self) -> None:
        """See that somebody looks at the files."""
        if self._task is None or self._task.done():
            self._signatures, self._next_search = {}, 0.0
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Look at the files until nobody listens."""
        fresh = True
        while self._listeners and not self._closed:
            wanted = self._wanted()
            changes = await asyncio.to_thread(self._changes, wanted)
            for listener in self._listeners:
                # Before the first look is over nothing can be told from what was there.
                listener.tell({} if fresh else changes)
            fresh = False
            await asyncio.sleep(_PAUSE)

    def _wanted(self) -> frozenset[str] | None:
        """Return which runs somebody wants to know of; None for all."""
        wanted: set[str] = set()
        for listener in self._listeners:
            if listener.paths is None:
                return None
            wanted |= listener.paths
        return frozenset(wanted)

    def _changes(self, wanted: frozenset[str] | None) -> Changes:
        """Return the runs that have changed since the last look."""
        if wanted is not None:
            return self._changes_of(wanted)
        begin = time.monotonic()
        if begin < self._next_search:
            return self._changes_of(self._running)
        found = find_runs(self._directory).paths
        gone = self._signatures.keys() - set(found)
        changes = self._changes_of(found)
        for path in gone:
            del self._signatures[path]
            self._running.discard(path)
        now = time.monotonic()
        self._next_search = now + max(_SEARCH, 20 * (now - begin))  # a twentieth of one core
        return changes | dict.fromkeys(gone)

    def _changes_of(self, paths: frozenset[str] | set[str] | tuple[str, ...]) -> Changes:
        """Return which of some runs have changed."""
        changes: Changes = {}
        for path in tuple(paths):
            now = signature(self._directory / path)
            if self._signatures.get(path) == now:
                continue
            self._signatures[path] = now
            row = changes[path] = self._rows.one(path) if now else None
            self._running.discard(path)
            if row and row["status"] == "running":
                self._running.add(path)
        return changes


def _event(kind: str, content: Row) -> str:
    """Return an event as it goes over the wire: JSON has no line breaks of its own."""
    return f"event: {kind}\ndata: {json.dumps(content, allow_nan=False)}\n\n"
