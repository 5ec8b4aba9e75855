"""Runs as data frames of pandas."""

from typing import Any

import numpy as np

from gradclip.errors import ConfigurationError
from gradclip.record.export.tables import COUNTS, PARAMETER, TABLES, Table, names_of
from gradclip.record.optional import optional
from gradclip.record.run import Run


def frame(run: Run, table: Table = "steps") -> Any:
    """Return a run as a DataFrame of pandas, which must be installed.

    Args:
        run: The run, or a part of one, as `read_run` gives it.
        table: `"steps"` for a row a step; `"tensors"` for a row for each step and tensor, whose
            columns are `step`, `parameter`, `norm_before`, `norm_after`, `largest`, `nonfinite`
            and `zeros`; `"updates"` for what was really applied, where it was measured.

    Returns:
        The DataFrame.

    Raises:
        ConfigurationError: `table` is none of these.
        MissingFrameworkError: pandas is not installed.
    """
    if table not in TABLES:
        msg = f"`table` must be one of {', '.join(TABLES)}, got {table!r}."
        raise ConfigurationError(msg)
    pandas = optional("pandas", "pandas")
    columns: dict[str, Any] = {}
    for name, column in TABLES[table](run).items():
        if name == PARAMETER:
            columns[name] = names_of(run)[column]
        elif name in COUNTS:
            counts = pandas.array(np.nan_to_num(column), dtype="Int64")
            counts[np.isnan(column)] = pandas.NA
            columns[name] = counts
        else:
            columns[name] = column
    return pandas.DataFrame(columns)
