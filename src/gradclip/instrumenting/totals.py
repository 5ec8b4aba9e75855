"""Norms of parts as one vector each, of many steps at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def totals(parts: Any) -> NDArray[np.float64]:
    """Return the 2-norm of each row of parts at any scale, the same whatever rows are beside it.

    Args:
        parts: Norms, (N, P).

    Returns:
        The norms of all parts, (N,); inf or NaN where an entry is.

    Example:
        >>> totals([[3.0, 4.0], [0.0, 0.0], [3e300, 4e300]]).tolist()
        [5.0, 0.0, 5e+300]
    """
    entries = np.ascontiguousarray(parts, dtype=np.float64)
    peaks: NDArray[np.float64] = np.max(np.abs(entries), axis=1, initial=0.0)
    usable = (peaks > 0) & np.isfinite(peaks)
    units = np.where(usable, peaks, 1.0)
    scaled = entries[usable] / units[usable, None]
    peaks[usable] *= np.sqrt(np.sum(scaled * scaled, axis=1))
    return peaks
