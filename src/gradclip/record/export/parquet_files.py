"""Runs as Parquet, a file for each table, through pyarrow."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from gradclip.record.disk import whole
from gradclip.record.export.tables import COUNTS, PARAMETER, TABLES, Columns, names_of
from gradclip.record.optional import optional
from gradclip.record.run import Run

_KEY = b"gradclip.run"  # of the metadata: what `run.json` holds


def write(parts: Iterator[Run], folder: Path, described: str) -> list[Path]:
    """Write a run.

    Args:
        parts: The run, at least one part.
        folder: Where to.
        described: What `run.json` holds of the run; it is in each file's metadata.

    Returns:
        The files.

    Raises:
        MissingFrameworkError: pyarrow is not installed.
    """
    parquet = optional("pyarrow.parquet", "gradclip[export]")
    folder.mkdir(parents=True, exist_ok=True)
    paths = {table: folder / f"{table}.parquet" for table in TABLES}
    with ExitStack() as stack:
        places = {table: stack.enter_context(whole(path)) for table, path in paths.items()}
        writers: dict[str, Any] = {}
        for part in parts:
            for table, columns_of in TABLES.items():
                rows = _arrow(columns_of(part), part).replace_schema_metadata({_KEY: described})
                if table not in writers:
                    writer = parquet.ParquetWriter(places[table], rows.schema, compression="zstd")
                    writers[table] = stack.enter_context(writer)
                if len(rows):
                    writers[table].write_table(rows)
    return [*paths.values()]


def _arrow(columns: Columns, run: Run) -> Any:
    """Return a table of pyarrow."""
    arrow = optional("pyarrow", "gradclip[export]")
    arrays: dict[str, Any] = {}
    for name, column in columns.items():
        if name == PARAMETER:
            names = arrow.array(names_of(run).tolist(), arrow.string())
            arrays[name] = arrow.DictionaryArray.from_arrays(arrow.array(column), names)
        elif name in COUNTS:
            unknown = np.isnan(column)
            counts = np.where(unknown, 0, column).astype(np.int64)
            arrays[name] = arrow.array(counts, mask=unknown)
        else:
            arrays[name] = arrow.array(column)
    return arrow.table(arrays)
