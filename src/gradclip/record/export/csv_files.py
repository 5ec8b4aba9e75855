"""Runs as CSV, a file for each table; `nan`, `inf` and `-inf` as Python and pandas read them."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gradclip.record.disk import replace_text, whole
from gradclip.record.export.tables import COUNTS, PARAMETER, TABLES, Columns, counts_of, names_of
from gradclip.record.run import Run
from gradclip.record.schema import RUN_FILE


def write(parts: Iterator[Run], folder: Path, described: str) -> list[Path]:
    """Write a run.

    Args:
        parts: The run, at least one part.
        folder: Where to.
        described: What `run.json` holds of the run.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {table: folder / f"{table}.csv" for table in TABLES}
    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        for table, path in paths.items():
            place = stack.enter_context(whole(path))
            # RFC 4180: lines end in \r\n, so that a name with either of them is quoted.
            file = stack.enter_context(place.open("w", encoding="utf-8", newline=""))
            writers[table] = csv.writer(file)
        for number, part in enumerate(parts):
            for table, columns_of in TABLES.items():
                columns = columns_of(part)
                if number == 0:
                    writers[table].writerow(columns)
                writers[table].writerows(_rows(columns, part))
    replace_text(folder / RUN_FILE, described)
    return [*paths.values(), folder / RUN_FILE]


def _rows(columns: Columns, run: Run) -> Iterable[tuple[object, ...]]:
    """Return the rows as Python's objects."""
    names = names_of(run)
    return zip(*(_values(name, c, names) for name, c in columns.items()), strict=True)


def _values(name: str, column: Any, names: Any) -> list[object]:
    """Return a column as Python's objects; counts that nobody made are empty."""
    if name in COUNTS:
        return [*counts_of(column)]
    if name == PARAMETER:
        column = names[column]
    return column.tolist()  # type: ignore[no-any-return]  # NumPy's types do not say it
