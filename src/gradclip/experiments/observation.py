"""Gathers what a whole training shows: how much was clipped, and whether gradients vanish."""

from gradclip.record import Parameter, StepRecord
from gradclip.record.schema import Json


class Observation:
    """Watch the records of a training go by, keeping a few numbers only.

    Example:
        >>> parameters = (Parameter("w1", (2, 2)), Parameter("w2", (2, 1)))
        >>> observation = Observation(parameters)
        >>> observation.add(
        ...     StepRecord(
        ...         step=0,
        ...         time=0.5,
        ...         loss=2.0,
        ...         global_norm_before=5.0,
        ...         global_norm_after=1.0,
        ...         scale=0.2,
        ...         norms_before=(3.0, 4.0),
        ...         norms_after=(0.6, 0.8),
        ...     )
        ... )
        >>> observation.summary()["first_to_last_start"]
        0.75
    """

    def __init__(self, parameters: tuple[Parameter, ...]) -> None:
        weights = [i for i, parameter in enumerate(parameters) if len(parameter.shape) > 1]
        self._first, self._last = weights[0], weights[-1]
        self._names = (parameters[self._first].name, parameters[self._last].name)
        self._start: StepRecord | None = None
        self._end: StepRecord | None = None
        self._steps = self._clipped = self._skipped = 0

    def add(self, record: StepRecord) -> None:
        """Take note of a step."""
        self._start = self._start or record
        self._end = record
        self._steps += 1
        self._clipped += record.scale < 1.0 and not record.skipped  # a NaN is not less
        self._skipped += record.skipped

    def summary(self) -> dict[str, Json]:
        """Return the figures by name, {} before the first step.

        `steps`, `seconds`, `steps_per_second`; `clipped_share`, the share of the steps that
        clipping changed, and `skipped_steps`; `loss_start`, `loss_end`; the vanishing observation:
        `first_weight` and `last_weight` (names), the norms of their gradients before clipping at
        the first and the last step, `first_norm_start`, `last_norm_start`, `first_norm_end`,
        `last_norm_end`, and `first_to_last_start`, `first_to_last_end`, the former over the
        latter (None over 0).
        """
        if self._start is None or self._end is None:
            return {}
        seconds = self._end.time
        return {
            "steps": self._steps,
            "seconds": seconds,
            "steps_per_second": self._steps / seconds if seconds else None,
            "clipped_share": self._clipped / self._steps,
            "skipped_steps": self._skipped,
            "first_weight": self._names[0],
            "last_weight": self._names[1],
            **self._vanishing("start", self._start),
            **self._vanishing("end", self._end),
        }

    def _vanishing(self, moment: str, record: StepRecord) -> dict[str, Json]:
        first, last = record.norms_before[self._first], record.norms_before[self._last]
        return {
            f"loss_{moment}": record.loss,
            f"first_norm_{moment}": first,
            f"last_norm_{moment}": last,
            f"first_to_last_{moment}": first / last if last else None,
        }
