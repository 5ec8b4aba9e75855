"""The report as JSON: a public form with a version, for other programs to read."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from gradclip import __version__
from gradclip.record.encoding import encode
from gradclip.record.reader import RunReader
from gradclip.record.schema import Json
from gradclip.record.thin import Thinned
from gradclip.report.captions import constant_limit
from gradclip.report.facts import Facts, gather
from gradclip.report.figures import Figures, figures
from gradclip.report.layers import LayerFigures, layer_figures
from gradclip.report.story import story
from gradclip.report.thresholds import Thresholds, thresholds

DOCUMENT_SCHEMA = 1
_NUM_BUCKETS = 400
_SERIES = ("loss", "accuracy", "learning_rate", "global_norm_before", "global_norm_after", "limit")


def document(runs: Mapping[str, RunReader]) -> dict[str, Json]:
    """Return the report of some runs as JSON holds it.

    Args:
        runs: The runs by name.

    Returns:
        What `document_schema` describes; null stands for what is unknown or not finite.
    """
    return {
        "schema": DOCUMENT_SCHEMA,
        "gradclip": __version__,
        "runs": [_run(gather(name, reader, _NUM_BUCKETS)) for name, reader in runs.items()],
    }


def render_json(runs: Mapping[str, RunReader]) -> str:
    """Return the report of some runs as the text of JSON.

    Args:
        runs: The runs by name.
    """
    return json.dumps(document(runs), indent=1, allow_nan=False) + "\n"


def document_schema() -> dict[str, Json]:
    """Return the JSON Schema of `document`.

    Example:
        >>> document_schema()["properties"]["schema"]
        {'const': 1}
    """
    name = f"report-{DOCUMENT_SCHEMA}.schema.json"
    found: dict[str, Json] = json.loads(files("gradclip.report").joinpath(name).read_bytes())
    return found


def _run(facts: Facts) -> Json:
    """Return one run."""
    metadata = facts.metadata
    left = {"parameters", "shards"}
    known = {name: getattr(metadata, name) for name in metadata.__slots__ if name not in left}
    return {
        "name": facts.name,
        "status": facts.status,
        "metadata": encode(known),
        "summary": encode(facts.summary),
        "story": list(story(facts)),
        "figures": _figures(figures(facts)),
        "parameters": [_parameter(row) for row in layer_figures(facts)],
        "thresholds": _plain(_thresholds(facts)._asdict()),
        "series": _series(facts),
    }


def _figures(summary: Figures) -> Json:
    """Return the figures under their names."""
    found = asdict(summary)
    if summary.spike is not None:
        found["spike"] = summary.spike._asdict()
    if summary.layers is not None:
        found["layers"]["ratios"] = summary.layers.ratios
    return _plain(found)


def _parameter(row: LayerFigures) -> Json:
    """Return a parameter's figures."""
    return _plain(
        {
            "name": row.name,
            "shape": row.shape,
            "first_norm": row.first,
            "last_norm": row.last,
            "least_norm": row.least,
            "greatest_norm": row.greatest,
            "steps_at_zero": row.zeros,
            "steps_not_finite": row.non_finite,
            "update_ratio": row.update_ratio,
        }
    )


def _thresholds(facts: Facts) -> Thresholds:
    """Return what thresholds would have clipped, that in force among them."""
    return thresholds(facts.numbers.global_norm_before, constant_limit(facts.numbers))


def _series(facts: Facts) -> Json:
    """Return the steps in buckets."""
    thin = facts.thin
    columns = {name: _bucketed(thin.columns[name]) for name in _SERIES if name in thin.columns}
    ends = {"first_steps": thin.steps.tolist(), "last_steps": thin.last_steps.tolist()}
    return {**ends, **columns}


def _bucketed(column: Thinned) -> Json:
    """Return a column's buckets."""
    return {
        "low": _numbers(column.low),
        "mean": _numbers(column.mean),
        "high": _numbers(column.high),
        "non_finite": (column.nans + column.infinities).tolist(),
    }


def _numbers(column: NDArray[np.float64]) -> list[Json]:
    """Return a column's values."""
    return [_plain(value) for value in column.tolist()]


def _plain(value: object) -> Json:
    """Return a value as JSON holds it, null for what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    unknown = isinstance(value, float) and not math.isfinite(value)
    return None if unknown else encode(value)
