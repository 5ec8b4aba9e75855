"""Decides what sinks are told: of few steps a few numbers, and the largest layers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import ConfigurationError
from gradclip.record.schema import StepRecord

_PREFIX = "gradclip/"


class Window(NamedTuple):
    """What is counted from one step that is told to the next, so that nothing is missed between.

    Attributes:
        steps: How many there were.
        clipped: How many of them were clipped and not skipped.
        skipped: How many were skipped.
        nonfinite: How many entries were NaN or infinite; None if nobody counted.
        highest: The highest global norm before clipping.
    """

    steps: int = 0
    clipped: int = 0
    skipped: int = 0
    nonfinite: int | None = None
    highest: float = 0.0

    def with_step(self, record: StepRecord) -> "Window":
        """Return the window with one more step."""
        found = None if record.nonfinite is None else int(np.sum(record.nonfinite))
        norm = record.global_norm_before
        higher = norm > self.highest or math.isnan(norm)  # and nothing is higher than NaN
        return Window(
            steps=self.steps + 1,
            clipped=self.clipped + (record.scale < 1 and not record.skipped),
            skipped=self.skipped + record.skipped,
            nonfinite=self.nonfinite if found is None else (self.nonfinite or 0) + found,
            highest=norm if higher else self.highest,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a sink is told of one step.

    Attributes:
        step: Its number.
        time: Seconds since the start.
        numbers: Numbers by their names, such as `limit`.
        layers_before: Norms before clipping by the parameters' names, the largest first.
        layers_after: The same parameters' norms after clipping.
        norms_before: All norms before clipping, (P,).
    """

    step: int
    time: float
    numbers: dict[str, float]
    layers_before: dict[str, float]
    layers_after: dict[str, float]
    norms_before: NDArray[np.float64]

    def flat(self) -> dict[str, float]:
        """Return everything by names such as `gradclip/limit` and `gradclip/layers_before/w1`."""
        named = {_PREFIX + name: value for name, value in self.numbers.items()}
        for name in ("layers_before", "layers_after"):
            layers = getattr(self, name)
            named |= {f"{_PREFIX}{name}/{layer}": norm for layer, norm in layers.items()}
        return named


class Choice:
    """Choose the steps that are told: the first, and the first of every `every` steps.

    Args:
        every: How many.
        layers: How many parameters to tell of, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.

    Attributes:
        names: The parameters' names.
    """

    def __init__(self, every: int, layers: int | None) -> None:
        if every < 1 or (layers is not None and layers < 0):
            msg = f"`every` must be >= 1 and `layers` >= 0 or None, got {every} and {layers}."
            raise ConfigurationError(msg)
        self._every, self._layers = every, layers
        self.names: Sequence[str] = ()
        self._last: int | None = None
        self._window = Window()

    def of(self, records: Sequence[StepRecord]) -> Iterator[Told]:
        """Return what is told of some steps."""
        for record in records:
            self._window = self._window.with_step(record)
            if record.step // self._every != self._last:
                self._last = record.step // self._every
                yield tell(record, self._window, self.names, self._layers)
                self._window = Window()


def tell(record: StepRecord, window: Window, names: Sequence[str], layers: int | None) -> Told:
    """Return what is told of a step.

    Args:
        record: The step.
        window: What was counted since the last one that was told, with this one.
        names: The parameters' names, P of them.
        layers: As in `Choice`.

    Returns:
        Numbers and norms; what is unknown is left out, and so is a limit that is not there.
    """
    before, after = _floats(record.norms_before), _floats(record.norms_after)
    # A norm that is NaN or infinite is what one wants to see first.
    order = np.argsort(-np.nan_to_num(before, nan=np.inf), kind="stable")[:layers]
    return Told(
        step=record.step,
        time=record.time,
        numbers={n: v for n, v in _numbers(record, window).items() if v is not None},
        layers_before={names[i]: float(before[i]) for i in order.tolist()},
        layers_after={names[i]: float(after[i]) for i in order.tolist()},
        norms_before=before,
    )


def _numbers(record: StepRecord, window: Window) -> dict[str, float | None]:
    """Return a step's numbers, None for those that are unknown."""
    limit = record.limit
    largest = None if record.largest is None else _floats(record.largest)
    return {
        "global_norm_before": record.global_norm_before,
        "global_norm_after": record.global_norm_after,
        "highest_global_norm_before": window.highest,
        "limit": None if limit is None or not np.isfinite(limit) else limit,
        "scale": record.scale,
        "clipped_share": window.clipped / window.steps,
        "skipped": window.skipped,
        "loss": record.loss,
        "accuracy": record.accuracy,
        "learning_rate": record.learning_rate,
        "largest_gradient": None if largest is None else float(largest.max(initial=0.0)),
        "nonfinite_entries": window.nonfinite,
    }


def _floats(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
