"""Exports a run, part by part."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

from gradclip.errors import ConfigurationError
from gradclip.record.description import contents
from gradclip.record.disk import writing
from gradclip.record.export import csv_files, json_file, parquet_files
from gradclip.record.export.slices import slices
from gradclip.record.run import Run

Form = Literal["parquet", "csv", "json"]
FORMS: tuple[Form, ...] = get_args(Form)

_WRITERS: Mapping[Form, Callable[[Iterator[Run], Path, str], list[Path]]] = {
    "parquet": parquet_files.write,
    "csv": csv_files.write,
    "json": json_file.write,
}
# Tensors' steps that are in memory at once: row groups of Parquet shall be large, and a number of
# the others is an object of Python for a while.
_NUM_VALUES: Mapping[Form, int] = {"parquet": 1 << 19, "csv": 1 << 16, "json": 1 << 16}


def export_run(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str],
    form: Form,
    *,
    rank: int | None = None,
) -> list[Path]:
    """Write a run in a form that other tools read.

    A long run is read and written part by part. Every number comes back exactly, NaN and
    infinities too. Files that are there are replaced, when the new ones are whole.

    Args:
        run: The run, or its directory.
        out: The directory to write to, made if missing; for JSON the file.
        form: `"parquet"` and `"csv"` write `steps`, `tensors` and `updates`, a table each;
            `"json"` writes one file with an object for each step.
        rank: Whose records to export, of a directory that several processes wrote to.

    Returns:
        The files.

    Raises:
        ConfigurationError: `form` is none of these.
        MissingFrameworkError: Parquet needs pyarrow.
        RunError: There is no run, or the disk refuses the files.

    Example:
        >>> import tempfile, numpy as np, gradclip
        >>> folder = tempfile.mkdtemp()
        >>> with gradclip.Recorder(f"{folder}/run", {"w": np.zeros(2)}) as recorder:
        ...     pass
        >>> [path.name for path in export_run(f"{folder}/run", f"{folder}/csv", "csv")]
        ['steps.csv', 'tensors.csv', 'updates.csv', 'run.json']
    """
    if form not in _WRITERS:
        msg = f"`form` must be one of {', '.join(FORMS)}, got {form!r}."
        raise ConfigurationError(msg)
    parts = slices(run, _NUM_VALUES[form], rank=rank)
    first = next(parts)
    described = contents(first.metadata, first.status, first.summary)
    text = json.dumps(described, indent=1, allow_nan=False) + "\n"
    with writing(Path(out)):
        return _WRITERS[form](chain([first], parts), Path(out), text)
