"""Steps that are dropped, counted on the host."""

from dataclasses import dataclass, field

from gradclip.errors import NonFiniteGradientError


@dataclass(slots=True)
class SkippedSteps:
    """Count steps that were dropped for non-finite gradients, and stop a run that drops all.

    Args:
        limit: The number of steps in a row after which to raise; None never raises.

    Example:
        >>> skipped = SkippedSteps(limit=10)
        >>> skipped.record(finite=False)
        >>> skipped.total, skipped.in_a_row
        (1, 1)
    """

    limit: int | None = 10
    total: int = field(default=0, init=False)
    in_a_row: int = field(default=0, init=False)

    def record(self, *, finite: bool) -> None:
        """Count a step.

        Raises:
            NonFiniteGradientError: `limit` steps in a row were dropped.
        """
        self.in_a_row = 0 if finite else self.in_a_row + 1
        self.total += not finite
        check_skipped(self.in_a_row, self.limit)


def check_skipped(in_a_row: int, limit: int | None) -> None:
    """Raise when `limit` or more steps in a row were dropped.

    Raises:
        NonFiniteGradientError: They were.
    """
    if limit is not None and in_a_row >= limit:
        msg = (
            f"At most {limit} steps in a row may be skipped, got {in_a_row} with NaN or infinite "
            "gradients. The run is no longer learning: lower the learning rate or the loss scale, "
            "look at the data, or raise `max_skipped`."
        )
        raise NonFiniteGradientError(msg)
