"""The heat map of layers over steps: a bounded number of cells, however large the run is."""

import numpy as np
from numpy.typing import NDArray

from gradclip.record.schema import Json, Parameter
from gradclip.record.thin import Counts, Thinned, bucket_starts, merge
from gradclip.report.facts import Facts, layers_of

MAX_ROWS = 96  # some four pixels a layer; more are grouped with their neighbours
MAX_COLUMNS = 160  # some four pixels a cell
BROKEN, ZERO = "!", "0"  # cells that no color of a scale can show

Column = NDArray[np.float64]
_Groups = list[list[int]]


def view_layers(facts: Facts) -> Json:
    """Return the layers' norms before and after clipping and their updates, over steps.

    Args:
        facts: The run.

    Returns:
        `rows` with the layers' names, from input to output; `steps`, where each column begins;
        `before` and `after`, a list of cells a row; `start` and `end`, their cells at the first
        and at the last step. `updates` likewise, with `steps`, `norms` and `ratios`; null where
        none was measured. A cell is a hundred times the common logarithm of a norm, rounded;
        null where nothing is known, "0" where there are only zeros, and "!" where something is
        NaN or infinite.
    """
    parameters = facts.metadata.parameters
    groups = _groups(layers_of(parameters))
    starts = bucket_starts(len(facts.thin.steps), MAX_COLUMNS)
    return {
        "rows": [_row(parameters, group) for group in groups],
        "steps": facts.thin.steps[starts].tolist(),
        "before": _cells(facts, "norms_before", starts, groups),
        "after": _cells(facts, "norms_after", starts, groups),
        "start": _cells_of(_largest(facts.start[None], groups)[0]),
        "end": _cells_of(_largest(facts.end[None], groups)[0]),
        "updates": _updates(facts, groups),
    }


def _groups(places: list[int]) -> _Groups:
    """Return the layers of each row, neighbours together where there are more than rows."""
    if not places:
        return []
    starts = bucket_starts(len(places), MAX_ROWS).tolist()
    return [places[a:b] for a, b in zip(starts, [*starts[1:], len(places)], strict=True)]


def _row(parameters: tuple[Parameter, ...], group: list[int]) -> Json:
    """Return what a row is called."""
    first, last = parameters[group[0]].name, parameters[group[-1]].name
    if len(group) == 1:
        return {"name": first, "layers": 1}
    return {"name": f"{first} – {last}", "layers": len(group)}  # noqa: RUF001  # as ranges are set


def _cells(facts: Facts, name: str, starts: Counts, groups: _Groups) -> list[Json]:
    """Return a list of cells a row of one column of tensors."""
    column = facts.thin.columns.get(name)
    if column is None:
        return [[] for _ in groups]
    merged = merge(column, facts.thin.rows, starts)
    return _coded(_values(merged), groups)


def _values(column: Thinned) -> Column:
    """Return one number a bucket: inf where something is not finite, else the mean."""
    broken = (column.nans + column.infinities) > 0
    return np.where(broken, np.inf, column.mean)


def _updates(facts: Facts, groups: _Groups) -> Json:
    """Return the updates and their ratios to the weights."""
    updates = facts.updates
    if updates is None or not len(updates.steps):
        return None
    return {
        "steps": updates.steps.tolist(),
        "norms": _coded(updates.update_norms, groups),
        "ratios": _coded(updates.ratios, groups),
    }


def _coded(values: Column, groups: _Groups) -> list[Json]:
    """Return values (columns, P) as a list of cells a row; of a group, the largest."""
    return [_cells_of(row) for row in _largest(values, groups).T]


def _largest(values: Column, groups: _Groups) -> Column:
    """Return the largest value of each group, (columns, rows); what is not finite is larger."""
    if not groups:
        return np.zeros((len(values), 0))
    with np.errstate(invalid="ignore"):
        return np.stack([np.fmax.reduce(values[:, group], axis=1) for group in groups], axis=1)


def _cells_of(values: Column) -> list[Json]:
    """Return the cells of some values."""
    usual = np.isfinite(values) & (values > 0)
    powers = np.round(100 * np.log10(np.where(usual, values, 1.0))).astype(int)
    cells: list[Json] = powers.tolist()
    for place in np.flatnonzero(~usual):
        cells[place] = _special(float(values[place]))
    return cells


def _special(value: float) -> Json:
    """Return the cell of a value that has no logarithm."""
    if np.isnan(value):
        return None
    return BROKEN if np.isinf(value) else ZERO
