"""How far norms were scaled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ratio(before: Any, after: Any) -> NDArray[np.float64]:
    """Return norms after over norms before.

    Args:
        before: Norms of gradients as they came, (N,).
        after: The same of what optimizers got.

    Returns:
        The ratios, (N,); where that cannot be said, 1 if both are equal, 0 if not.

    Example:
        >>> ratio([4.0, 0.0, np.inf, np.nan], [1.0, 0.0, 2.0, np.nan]).tolist()
        [0.25, 1.0, 0.0, 0.0]
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    known = (old != 0) & np.isfinite(old)
    with np.errstate(over="ignore"):
        found: NDArray[np.float64] = np.where(old == new, 1.0, 0.0)
        return np.divide(new, old, out=found, where=known)
