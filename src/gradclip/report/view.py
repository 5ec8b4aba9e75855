"""Turns runs into the data that the page's charts draw: thinned, rounded, within a budget."""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.fixed import Norm
from gradclip.core.policies.resolve import parse_policy
from gradclip.errors import ConfigurationError
from gradclip.record.run import Run
from gradclip.record.schema import Json, Parameter
from gradclip.record.thin import Thinned, bucket_starts, thin

MAX_BUCKETS = 1000  # about one a pixel of a wide chart
MAX_PARAMETERS = 200  # more rows than a heat map can show
MAX_BYTES = 760_000  # what ECharts and the page itself leave of 2 MB
_BYTES_A_POINT = 22  # least, mean and greatest value; a first guess, then it is measured
_LARGEST_INTEGER = 1e15  # beyond it a float's text is shorter


def to_json(runs: Mapping[str, Run], max_bytes: int = MAX_BYTES) -> str:
    """Return the charts' data as JSON that may stand inside a `<script>` element.

    Args:
        runs: The runs by the name that the page gives them.
        max_bytes: How long the text may be; the columns are thinned until it fits.

    Returns:
        JSON without any `<`, `>` or `&`.
    """
    num_lines = sum(
        4 + 2 * min(len(run.metadata.parameters), MAX_PARAMETERS) for run in runs.values()
    )
    num_buckets = min(MAX_BUCKETS, max(2, max_bytes // (_BYTES_A_POINT * num_lines)))
    while True:
        text = _escape(json.dumps(view(runs, num_buckets), allow_nan=False, separators=(",", ":")))
        if len(text) <= max_bytes or num_buckets <= 2:  # noqa: PLR2004  # a first and a last
            return text
        num_buckets = max(2, int(num_buckets * min(0.9, 0.95 * max_bytes / len(text))))


def view(runs: Mapping[str, Run], num_buckets: int) -> Json:
    """Return the charts' data.

    Args:
        runs: The runs by name.
        num_buckets: How many points a line may have.

    Returns:
        One object a run, in `runs`' order.
    """
    return [_view_run(name, run, num_buckets) for name, run in runs.items()]


def shown_parameters(num_parameters: int) -> list[int]:
    """Return which parameters the page shows: all, or evenly spaced ones if there are too many.

    Example:
        >>> shown_parameters(3), len(shown_parameters(5000)), shown_parameters(5000)[-1]
        ([0, 1, 2], 200, 4999)
    """
    shown = np.linspace(0, num_parameters - 1, min(num_parameters, MAX_PARAMETERS))
    return [int(place) for place in shown.round()]


def _view_run(name: str, run: Run, num_buckets: int) -> Json:
    """Return one run's data."""
    starts = bucket_starts(len(run.steps), num_buckets)
    columns = {
        "before": run.global_norm_before,
        "after": run.global_norm_after,
        "loss": run.loss,
        "accuracy": run.accuracy,
    }
    return {
        "name": name,
        "steps": [int(step) for step in run.steps[starts]],
        "lastStep": int(run.steps[-1]) if len(run.steps) else 0,
        "limit": _limits(run.limit, starts),
        "parameterLimit": _parameter_limit(run),
        **{key: _points(column, starts) for key, column in columns.items()},
        "parameters": _view_parameters(run, starts),
    }


def _view_parameters(run: Run, starts: NDArray[np.int64]) -> list[Json]:
    """Return the parameters' data; `layer` counts the weights from the input."""
    parameters = run.metadata.parameters
    # A row a parameter: columns of a long run are read once instead of S times.
    before, after = (np.ascontiguousarray(norms.T) for norms in (run.norms_before, run.norms_after))
    layers = np.maximum(np.cumsum([len(p.shape) > 1 for p in parameters]) - 1, 0)
    return [
        {
            "name": parameters[place].name,
            "kind": _kind(parameters[place]),
            "layer": int(layers[place]),
            "ends": _round(before[place, [0, -1]]) if len(run.steps) else [None, None],
            "before": _points(before[place], starts),
            "after": _points(after[place], starts),
        }
        for place in shown_parameters(len(parameters))
    ]


def _kind(parameter: Parameter) -> str:
    """Return `weight` for a matrix or more, `bias` for a vector or a scalar."""
    return "weight" if len(parameter.shape) > 1 else "bias"


def _points(column: NDArray[np.float64], starts: NDArray[np.int64]) -> Json:
    """Return a column's buckets; the extremes only where a bucket has more than one row."""
    if not len(starts):
        return {"mean": [], "marks": {}}
    thinned = thin(column, starts)
    points: dict[str, Json] = {"mean": _round(thinned.mean), "marks": _marks(thinned)}
    if len(starts) < len(column):
        points |= {"low": _round(thinned.low), "high": _round(thinned.high)}
    return points


def _marks(thinned: Thinned) -> Json:
    """Return the buckets with zeros and non-finite values as pairs of place and count."""
    kinds = {"zero": thinned.zeros, "nan": thinned.nans, "infinity": thinned.infinities}
    return {
        kind: [[int(place), int(counts[place])] for place in np.flatnonzero(counts)]
        for kind, counts in kinds.items()
        if counts.any()
    }


def _limits(column: NDArray[np.float64], starts: NDArray[np.int64]) -> Json:
    """Return the limit at each bucket, or one number if it never changes; null for none."""
    limits = column[starts]
    if len(limits) and (limits == limits[0]).all():
        return _round(limits[:1])[0]
    return list(_round(limits))


def _parameter_limit(run: Run) -> Json:
    """Return the limit that each parameter's own norm is held to, null if there is none."""
    try:
        policy = parse_policy(run.metadata.policy)
    except ConfigurationError:  # another program's policy
        return None
    return float(policy.max_norm) if isinstance(policy, Norm) else None  # type: ignore[arg-type]  # of a text


def _round(column: NDArray[np.float64]) -> list[Json]:
    """Return four significant digits, null for what is not finite."""
    return [_shorten(value) if np.isfinite(value) else None for value in column.tolist()]


def _shorten(value: float) -> Json:
    """Return a number whose text is short."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < _LARGEST_INTEGER else rounded


def _escape(text: str) -> str:
    """Return JSON that cannot end a `<script>` element."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
