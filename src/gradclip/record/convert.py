"""From a report of any framework to the record of a step."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.record.schema import StepRecord

_NUMBERS = ("loss", "accuracy", "learning_rate")
_VECTORS = ("weight_norms", "update_norms")


def step_record(
    report: Any, step: int, seconds: float, numbers: Mapping[str, Any], lost: int
) -> StepRecord:
    """Return the record of a step; what lies on a device is waited for.

    Args:
        report: The `Report` of a Clipper.
        step: The step's number.
        seconds: Seconds since the start.
        numbers: What else is known of the step: `loss`, `accuracy` and `learning_rate`, (), and
            `weight_norms` and `update_norms`, (P,).
        lost: How many steps before it are lost.

    Raises:
        TypeError: There is something else among the numbers.
    """
    unknown = numbers.keys() - {*_NUMBERS, *_VECTORS}
    if unknown:
        msg = f"a step has {', '.join((*_NUMBERS, *_VECTORS))}, got {', '.join(sorted(unknown))}"
        raise TypeError(msg)
    found = report.statistics
    return StepRecord(
        step=step,
        time=seconds,
        loss=number(numbers.get("loss")),
        accuracy=number(numbers.get("accuracy")),
        learning_rate=number(numbers.get("learning_rate")),
        global_norm_before=float(report.norm_before),
        global_norm_after=float(report.norm_after),
        limit=_limit(report.limit),
        scale=float(report.scale),
        skipped=bool(report.skipped),
        norms_before=vector(report.parts_before),
        norms_after=vector(report.parts_after),
        largest=None if found is None else vector(found.largest),
        nonfinite=None if found is None else vector(found.nonfinite),
        zeros=None if found is None else vector(found.zeros),
        **{n: vector(numbers[n]) for n in _VECTORS if numbers.get(n) is not None},
        lost=lost,
    )


def kept(value: Any) -> Any:
    """Return what may be read later, whatever becomes of a tensor until then."""
    if not hasattr(value, "detach"):
        return value
    own = value.detach()  # which lets go of the graph that it came from
    return float(own) if own.device.type == "cpu" and own.ndim == 0 else own.clone()


def number(value: Any) -> float | None:
    """Return a number, or a tensor () of any framework, as a float; None as it is."""
    return None if value is None else float(value)


def vector(values: Any) -> NDArray[Any]:
    """Return a tensor (P,) of any framework, on any device, as an array."""
    if hasattr(values, "detach"):  # PyTorch's, which NumPy reads on the host alone
        values = values.detach().cpu()
    return np.asarray(values)


def _limit(limit: Any) -> float:
    """Return a limit; NaN for one of each tensor, which no number can say."""
    entries = limit if isinstance(limit, float) else vector(limit)
    return float(entries) if np.ndim(entries) == 0 else math.nan
