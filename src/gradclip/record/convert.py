"""From a report of any framework to the record of a step."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.late_report import LateReport
from gradclip.record.layout import UPDATES
from gradclip.record.schema import StepRecord

Place = Callable[[NDArray[Any]], NDArray[Any]]
NOTED = ("loss", "accuracy", "learning_rate")


def step_record(
    report: Any, *, step: int, time: float, numbers: Mapping[str, Any], place: Place
) -> StepRecord:
    """Return the record of a step; what lies on a device is waited for.

    Args:
        report: The `Report` of a Clipper.
        step: The step's number.
        time: Seconds since the start.
        numbers: What else is known of the step: `loss`, `accuracy` and `learning_rate`, (), and
            `weight_norms` and `update_norms`, (P,).
        place: Brings a column of the report to the run's parameters.

    Raises:
        TypeError: There is something else among the numbers.
    """
    refuse_others(numbers)
    found = report.statistics
    return StepRecord(
        step=step,
        time=time,
        loss=number(numbers.get("loss")),
        accuracy=number(numbers.get("accuracy")),
        learning_rate=number(numbers.get("learning_rate")),
        global_norm_before=float(report.norm_before),
        global_norm_after=float(report.norm_after),
        limit=_limit(report.limit),
        scale=float(report.scale),
        skipped=bool(report.skipped),
        norms_before=place(vector(report.parts_before)),
        norms_after=place(vector(report.parts_after)),
        largest=column(found and found.largest, place),
        nonfinite=column(found and found.nonfinite, place),
        zeros=column(found and found.zeros, place),
        weight_norms=column(numbers.get("weight_norms"), place),
        update_norms=column(numbers.get("update_norms"), place),
    )


def refuse_others(names: Iterable[str]) -> None:
    """Refuse what is not known of a step besides its report.

    Raises:
        TypeError: There is such a name.
    """
    others = set(names) - {*NOTED, *UPDATES}
    if others:
        msg = f"a step has {', '.join((*NOTED, *UPDATES))}, got {', '.join(sorted(others))}"
        raise TypeError(msg)


def lasting(report: Any) -> Any:
    """Return a report that may be read later, whatever becomes of a step's arrays until then.

    A compiled step of JAX may be given the state, in which they lie, to write over.
    """
    # Asked for a vector, a late report would make all of them here; other kinds hold no arrays.
    if isinstance(report, LateReport) or not is_dataclass(type(report)):
        return report
    if not hasattr(getattr(report, "parts_before", None), "is_deleted"):
        return report
    return copied(report)


def copied(report: Any) -> Any:
    """Return a report with arrays of its own."""
    given = {f.name: getattr(report, f.name) for f in fields(report) if f.name != "names"}
    found = given.pop("statistics")
    return replace(
        report,
        statistics=None if found is None else type(found)(*map(kept, found)),
        **{name: kept(value) for name, value in given.items()},
    )


def kept(value: Any) -> Any:
    """Return what may be read later, whatever becomes of a tensor until then."""
    if isinstance(value, float):  # most often it is
        return value
    if hasattr(value, "is_deleted"):  # JAX's
        return value.copy()
    if not hasattr(value, "detach"):
        return value
    own = value.detach()  # which lets go of the graph that it came from
    return float(own) if own.device.type == "cpu" and own.ndim == 0 else own.clone()


def number(value: Any) -> float | None:
    """Return a number, or a tensor () of any framework, as a float; None as it is."""
    return None if value is None else float(value)


def column(values: Any, place: Place) -> NDArray[Any] | None:
    """Return a tensor (P,) as an array, for the run's parameters; None as it is."""
    return None if values is None else place(vector(values))


def vector(values: Any) -> NDArray[Any]:
    """Return a tensor (P,) of any framework, on any device, as an array."""
    if hasattr(values, "detach"):  # PyTorch's, which NumPy reads on the host alone
        values = values.numpy(force=True)
    return np.asarray(values)


def _limit(limit: Any) -> float:
    """Return a limit; NaN for one of each tensor, which no number can say."""
    entries = limit if isinstance(limit, float) else vector(limit)
    return float(entries) if np.ndim(entries) == 0 else math.nan
