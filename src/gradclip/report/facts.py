"""What is read of a run, once, for all that a report says of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradclip.record.reader import RunReader
from gradclip.record.run import Numbers, ThinRun, Updates
from gradclip.record.schema import Json, Metadata, Parameter, Status

_NUM_UPDATES = 120  # columns of a heat map, and points of a line, that can be told apart
# Norms that are read in no time. Of a longer run, damage to the steps' own records alone is
# counted: whoever looks for all of it has to read gigabytes.
_FEW = 1_000_000

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A run of P parameters at a screen's width.

    Attributes:
        name: What the report calls it.
        metadata: What was known before its first step.
        status: How it ended, or `running`.
        summary: What was kept of the whole run; None until it ends.
        numbers: Every step without its tensors.
        thin: The steps in buckets, with their tensors.
        start: The norms before clipping at the first step, (P,); NaN where there is none.
        end: The same at the last step, (P,).
        updates: What was really applied, at some steps; None if it was never measured.
    """

    name: str
    metadata: Metadata
    status: Status
    summary: dict[str, Json] | None
    numbers: Numbers
    thin: ThinRun
    start: Column
    end: Column
    updates: Updates | None


def gather(name: str, reader: RunReader, num_buckets: int = 200) -> Facts:
    """Read what a report needs; a long run is not read whole.

    Args:
        name: What the report calls the run.
        reader: The run, which may still grow.
        num_buckets: How many points a line may have.

    Returns:
        The run as far as it is written.
    """
    numbers = reader.numbers()
    if len(numbers.steps) * len(reader.metadata.parameters) <= _FEW:
        numbers = replace(numbers, damaged=reader.read().damaged)
    return Facts(
        name=name,
        metadata=reader.metadata,
        status=reader.status,
        summary=reader.summary,
        numbers=numbers,
        thin=reader.thin(num_buckets),
        start=_norms_at(reader, numbers, 0),
        end=_norms_at(reader, numbers, -1),
        updates=reader.updates(min(num_buckets, _NUM_UPDATES)),
    )


def thinned_again(facts: Facts, reader: RunReader, num_buckets: int) -> Facts:
    """Return a run that was read already with another number of points.

    Args:
        facts: The run.
        reader: What it was read with.
        num_buckets: How many points a line may have.

    Returns:
        The same run; what holds of all its steps is not read anew.
    """
    updates = reader.updates(min(num_buckets, _NUM_UPDATES))
    return replace(facts, thin=reader.thin(num_buckets), updates=updates)


def clipped_steps(numbers: Numbers) -> NDArray[np.bool_]:
    """Return on which steps clipping changed a gradient, (S,); a dropped step was not clipped."""
    return (numbers.scale < 1) & ~numbers.skipped


def is_weight(parameter: Parameter) -> bool:
    """Return whether a parameter is a matrix or more, and no bias or scale."""
    return len(parameter.shape) > 1


def layers_of(parameters: tuple[Parameter, ...]) -> list[int]:
    """Return the places of the weights, from input to output; all places if there is no weight.

    Example:
        >>> layers_of((Parameter("w", (2, 3)), Parameter("b", (3,))))
        [0]
    """
    places = [place for place, parameter in enumerate(parameters) if is_weight(parameter)]
    return places or list(range(len(parameters)))


def _norms_at(reader: RunReader, numbers: Numbers, place: int) -> Column:
    """Return all tensors' norms before clipping at one step, (P,)."""
    nothing = np.full(len(reader.metadata.parameters), np.nan)
    if not len(numbers.steps):
        return nothing
    step = int(numbers.steps[place])
    rows = reader.read(step, step).norms_before
    return np.asarray(rows[0]) if len(rows) else nothing
