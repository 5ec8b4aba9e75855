"""Remembers what was made of a run's files, until they change."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from gradclip.dashboard.discover import Signature, find_runs, signature
from gradclip.dashboard.views import run_row
from gradclip.record.schema import Json

Row = dict[str, Json]
_Value = TypeVar("_Value")


class Memory(Generic[_Value]):
    """Values by key, each made again once what it was made of has changed.

    Args:
        capacity: How many are kept; those that were not asked for the longest are forgotten.

    Example:
        >>> memory = Memory(capacity=2)
        >>> memory.get("a", (("run.json", 1, 1),), lambda: "made")
        'made'
        >>> memory.get("a", (("run.json", 1, 1),), lambda: "made again")
        'made'
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._known: OrderedDict[Hashable, tuple[Signature, _Value]] = OrderedDict()
        # One at a time: several readers of one disk and one interpreter gain nothing, and those
        # that ask for the same wait for it instead of making it again.
        self._lock = threading.Lock()

    def get(self, key: Hashable, made_of: Signature, make: Callable[[], _Value]) -> _Value:
        """Return the value, made now if it is not known or its files have changed.

        Args:
            key: What it is.
            made_of: The state of what it is made of.
            make: Makes it.
        """
        with self._lock:
            known = self._known.get(key)
            if known is None or known[0] != made_of:
                known = (made_of, make())
            self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
            return known[1]


class Rows:
    """The list of runs: each row is made when its files have changed, and not else.

    Args:
        directory: Where all runs are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._memory: Memory[Row] = Memory(capacity=2000)

    def one(self, path: str) -> Row:
        """Return the row of one run."""
        made_of = signature(self._directory / path)
        return self._memory.get(path, made_of, lambda: run_row(self._directory, path))

    def all(self) -> dict[str, Json]:
        """Return all rows, and whether there may be more runs than these."""
        found = find_runs(self._directory)
        return {"runs": [self.one(path) for path in found.paths], "complete": found.complete}
