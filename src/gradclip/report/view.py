"""Turns runs into the data that the page's charts draw: thinned, rounded, within a budget."""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.fixed import Norm
from gradclip.core.policies.resolve import parse_policy
from gradclip.errors import ConfigurationError
from gradclip.record.reader import RunReader
from gradclip.record.schema import Json
from gradclip.record.thin import Thinned
from gradclip.report.captions import captions, constant_limit, ended, headline, origin
from gradclip.report.facts import Facts, clipped_steps, gather, is_weight, layers_of
from gradclip.report.grid import view_layers
from gradclip.report.layers import LayerFigures, layer_figures
from gradclip.report.story import story
from gradclip.report.tables import settings, tiles
from gradclip.report.thresholds import thresholds

VIEW_SCHEMA = 1
MAX_LINES = 48  # parameters with a line of their own: more cannot be told apart
MAX_TABLE = 4000  # rows of the table, which the page searches
_LARGEST_INTEGER = 1e15  # beyond it a float's text is shorter

Column = NDArray[np.float64]


def view_run(name: str, reader: RunReader, num_buckets: int) -> Json:
    """Return what the page draws of one run: `gradclipPage.show` takes a list of these.

    Args:
        name: What the page calls the run.
        reader: The run, which may still grow.
        num_buckets: How many points a line may have.

    Returns:
        An object of JSON; its form has the number `schema`.
    """
    return view(gather(name, reader, num_buckets))


def view(facts: Facts, max_rows: int = MAX_TABLE, max_lines: int = MAX_LINES) -> Json:
    """Return what the page draws of one run that was read already.

    Args:
        facts: The run.
        max_rows: How many parameters the table may have.
        max_lines: How many may have a line of their own.

    Returns:
        As `view_run`.
    """
    numbers, thin = facts.numbers, facts.thin
    return {
        "schema": VIEW_SCHEMA,
        "name": facts.name,
        "status": facts.status,
        "texts": _texts(facts),
        "numSteps": len(numbers.steps),
        "steps": thin.steps.tolist(),
        "lastStep": int(thin.last_steps[-1]) if len(thin.steps) else 0,
        "limit": _limits(facts),
        "parameterLimit": _parameter_limit(facts),
        "before": _points(facts, "global_norm_before"),
        "after": _points(facts, "global_norm_after"),
        "loss": _points(facts, "loss"),
        "accuracy": _points(facts, "accuracy"),
        "clipped": _counts(facts, clipped_steps(numbers)),
        "skipped": _counts(facts, numbers.skipped),
        "parameters": _view_parameters(facts, max_lines),
        "layers": view_layers(facts),
        "thresholds": _view_thresholds(facts),
        "table": _view_table(facts, max_rows),
    }


def shown_parameters(facts: Facts, max_lines: int) -> list[int]:
    """Return which parameters have lines: all, or evenly spaced layers if there are too many."""
    parameters = facts.metadata.parameters
    places = list(range(len(parameters)))
    if len(places) > max_lines:
        places = layers_of(parameters)
    chosen = np.linspace(0, len(places) - 1, min(len(places), max_lines)).round()
    return [places[int(place)] for place in chosen]


def escape_json(value: Json) -> str:
    r"""Return JSON that may stand inside a `<script>` element: without any `<`, `>` or `&`.

    Example:
        >>> escape_json("</script>")
        '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _texts(facts: Facts) -> Json:
    """Return the run in words and figures."""
    return {
        "headline": headline([facts]),
        "origin": list(origin(facts)),
        "ended": ended(facts),
        "story": list(story(facts)),
        "tiles": _pairs(tiles(facts)),
        "settings": _pairs(settings(facts)),
        "captions": dict(captions(facts)),
    }


def _pairs(texts: Mapping[str, str]) -> list[Json]:
    """Return titles and texts in their order."""
    return [[title, text] for title, text in texts.items()]


def _view_parameters(facts: Facts, max_lines: int) -> list[Json]:
    """Return the lines' data; `layer` counts the weights from the input."""
    parameters = facts.metadata.parameters
    layers = np.maximum(np.cumsum([is_weight(p) for p in parameters]) - 1, 0)
    return [
        {
            "name": parameters[place].name,
            "kind": "weight" if is_weight(parameters[place]) else "bias",
            "layer": int(layers[place]),
            "before": _points(facts, "norms_before", place),
            "after": _points(facts, "norms_after", place),
            "ratios": _ratios(facts, place),
        }
        for place in shown_parameters(facts, max_lines)
    ]


def _ratios(facts: Facts, place: int) -> list[Json]:
    """Return a parameter's ratios of updates to weights, at the steps of the layers' updates."""
    return [] if facts.updates is None else shorten(facts.updates.ratios[:, place])


def _points(facts: Facts, name: str, place: int | None = None) -> Json:
    """Return a column's buckets; the extremes only where a bucket has more than one row."""
    column = facts.thin.columns.get(name)
    if column is None:
        return {"mean": [], "marks": {}}
    at = slice(None) if place is None else (slice(None), place)
    points: dict[str, Json] = {"mean": shorten(column.mean[at]), "marks": _marks(column, at)}
    if (facts.thin.rows > 1).any():
        points |= {"low": shorten(column.low[at]), "high": shorten(column.high[at])}
    return points


def _marks(column: Thinned, at: slice | tuple[slice, int]) -> Json:
    """Return the buckets with zeros and non-finite values as pairs of place and count."""
    kinds = {"zero": column.zeros[at], "nan": column.nans[at], "infinity": column.infinities[at]}
    return {
        kind: [[int(place), int(counts[place])] for place in np.flatnonzero(counts)]
        for kind, counts in kinds.items()
        if counts.any()
    }


def _counts(facts: Facts, hits: NDArray[np.bool_]) -> Json:
    """Return the buckets with steps at which something happened, as pairs of place and count."""
    if not hits.any() or not len(facts.thin.steps):
        return []
    steps = facts.numbers.steps[hits]
    places = np.searchsorted(facts.thin.steps, steps, side="right") - 1
    found, counts = np.unique(places[steps <= facts.thin.last_steps[-1]], return_counts=True)
    return [[int(place), int(count)] for place, count in zip(found, counts, strict=True)]


def _limits(facts: Facts) -> Json:
    """Return the limit at each bucket, or one number if it never changes; null for none."""
    limits = facts.numbers.limit
    if len(limits) and (limits == limits[0]).all():
        return shorten(limits[:1])[0]
    column = facts.thin.columns.get("limit")
    return [] if column is None else shorten(column.mean)


def _parameter_limit(facts: Facts) -> Json:
    """Return the limit that each parameter's own norm is held to, null if there is none."""
    try:
        policy = parse_policy(facts.metadata.policy)
    except ConfigurationError:  # another program's policy
        return None
    return float(policy.max_norm) if isinstance(policy, Norm) else None  # type: ignore[arg-type]  # of a text


def _view_thresholds(facts: Facts) -> Json:
    """Return what the slider of thresholds says at each of its stops."""
    found = thresholds(facts.numbers.global_norm_before, constant_limit(facts.numbers))
    return {
        "limits": list(found.limits),
        "clipped": list(found.clipped),
        "finite": found.num_finite,
        "steps": found.num_steps,
        "suggested": found.suggested,
    }


def _view_table(facts: Facts, max_rows: int) -> Json:
    """Return a row a parameter; evenly spaced ones if there are too many."""
    rows = layer_figures(facts)
    places = np.linspace(0, len(rows) - 1, min(len(rows), max_rows)).round()
    return {"total": len(rows), "rows": [_table_row(rows[int(place)]) for place in places]}


def _table_row(row: LayerFigures) -> Json:
    """Return a parameter's figures in the order of the table's columns."""
    norms = [row.first, row.last, row.least, row.greatest]
    figures = shorten(np.array([*norms, row.update_ratio]))
    return [row.name, "x".join(map(str, row.shape)), *figures, row.zeros, row.non_finite]


def shorten(column: Column) -> list[Json]:
    """Return four significant digits, null for what is not finite.

    Example:
        >>> shorten(np.array([0.123456, 2.0, np.nan]))
        [0.1235, 2, None]
    """
    return [_short(value) if np.isfinite(value) else None for value in column.tolist()]


def _short(value: float) -> Json:
    """Return a number whose text is short."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < _LARGEST_INTEGER else rounded
