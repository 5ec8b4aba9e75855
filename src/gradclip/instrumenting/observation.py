"""What a framework's hooks saw of one step; it looks like a `Report`, and its reader adds it up."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.ratio import ratio
from gradclip.record.convert import vector


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """Gradients before and after whatever the program does to them.

    It takes the place of a `gradclip` report in a `Recorder`, whose thread asks for the totals:
    what lies on a device is waited for there, and nothing is added up where training runs.

    Attributes:
        names: The parameters' names, P of them.
        parts_before: Each gradient's norm as it came, (P,); 0 where there is none.
        parts_after: The same of what the optimizer got, (P,).
        statistics: What one look told of the gradients as they came; None if nobody looked.
        limit: The threshold in force; inf where there is none, NaN where it is not known.
        skipped: Whether the step was dropped.

    Example:
        >>> seen = Observation(names=("w", "b"), parts_before=[3.0, 4.0], parts_after=[0.3, 0.4])
        >>> seen.norm_before, round(seen.scale, 3)
        (5.0, 0.1)
    """

    names: tuple[str, ...]
    parts_before: Any
    parts_after: Any
    statistics: Statistics | None = None
    limit: Any = math.inf
    skipped: bool = False

    @property
    def norm_before(self) -> float:
        """The norm of all gradients as they came."""
        return _total(vector(self.parts_before))

    @property
    def norm_after(self) -> float:
        """The norm of what the optimizer got; 0 for a skipped step."""
        return 0.0 if self.skipped else _total(vector(self.parts_after))

    @property
    def scale(self) -> float:
        """How far the norm was scaled; exactly 1 where nothing was changed."""
        if self.parts_after is self.parts_before and not self.skipped:
            return 1.0
        return float(ratio([self.norm_before], [self.norm_after])[0])


def _total(parts: NDArray[Any]) -> float:
    """Return the 2-norm of parts at any scale."""
    entries = np.asarray(parts, dtype=np.float64)
    peak = float(np.max(np.abs(entries), initial=0.0))
    if not peak or not math.isfinite(peak):
        return peak
    return peak * float(np.linalg.norm(entries / peak))
