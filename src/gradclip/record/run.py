"""What is read of a run: its metadata and its steps, column by column."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.record.schema import Json, Metadata, Status
from gradclip.record.thin import Counts, Thinned

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Updates:
    """What was really applied, at the U steps at which it was measured.

    Attributes:
        steps: Their numbers, (U,).
        weight_norms: The parameters' norms before the step, (U, P).
        update_norms: The norms of what the step changed of them, (U, P).
    """

    steps: NDArray[np.int64]
    weight_norms: Column
    update_norms: Column

    @property
    def ratios(self) -> Column:
        """The updates' norms over the weights', (U, P); NaN for weights of norm 0."""
        weights = self.weight_norms
        return self.update_norms / np.where(weights > 0, weights, np.nan)


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """What is known of S steps as wholes; the names are those of `Run`."""

    steps: NDArray[np.int64]
    time: Column
    loss: Column
    accuracy: Column
    learning_rate: Column
    global_norm_before: Column
    global_norm_after: Column
    limit: Column
    scale: Column
    skipped: NDArray[np.bool_]
    lost: NDArray[np.int64]
    damaged: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Numbers):
    """A run's metadata and its S steps by column, over P parameters.

    Attributes:
        path: The run directory.
        status: How it ended, or `running`.
        metadata: What was known before the first step.
        summary: What was kept of the whole run; None until it ends.
        steps: The steps' numbers, (S,), rising; those that training took anew count once.
        time: Seconds since the start, (S,); they begin anew where the run was resumed.
        loss: The batches' losses, (S,); NaN where there was none.
        accuracy: The batches' accuracies, (S,); NaN where there was none.
        learning_rate: The learning rates, (S,); NaN where unknown.
        global_norm_before: The global gradient norms before clipping, (S,).
        global_norm_after: The global gradient norms after clipping, (S,).
        limit: The thresholds, (S,); inf where there was none.
        scale: How far clipping scaled, (S,).
        skipped: Whether the step was dropped, (S,).
        norms_before: The parameters' gradient norms before clipping, (S, P).
        norms_after: The parameters' gradient norms after clipping, (S, P).
        largest: The largest magnitudes before clipping, (S, P), NaN where nobody looked; None if
            nobody ever did, and so are the other two.
        nonfinite: The numbers of entries that are NaN or infinite, (S, P).
        zeros: The numbers of entries that are 0, (S, P).
        updates: What was really applied; None if it was never measured.
        lost: The numbers of steps right before these that could not be kept, (S,).
        damaged: How many records were left out since they are not what was written.
    """

    path: Path
    status: Status
    metadata: Metadata
    summary: dict[str, Json] | None
    norms_before: Column
    norms_after: Column
    largest: Column | None = None
    nonfinite: Column | None = None
    zeros: Column | None = None
    updates: Updates | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinRun:
    """A run's steps in B buckets of neighbours, so that every spike survives.

    Attributes:
        steps: The first step of each bucket, (B,).
        last_steps: The last one, (B,).
        rows: How many steps it is of, (B,).
        columns: The columns of `Run` by name, with `skipped` as 0 and 1: (B,), or (B, P) for
            those of tensors.
    """

    steps: NDArray[np.int64]
    last_steps: NDArray[np.int64]
    rows: Counts
    columns: dict[str, Thinned]
