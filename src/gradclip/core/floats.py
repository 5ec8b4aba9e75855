"""Plain floats: the arithmetic of replay, of tests, and of norms that are on the host already."""

import math
import struct
from typing import Any

from gradclip.core.arithmetic import LARGEST, SMALLEST

Window = list[float]  # a list, since `map_state` would walk through a tuple; never changed


class Floats:
    """The reference `Arithmetic`, on norms of shape ().

    Args:
        double: Whether users get norms in float64.

    Example:
        >>> Floats().where(3.0 > 2.0, 1.0, 0.0)
        1.0
    """

    def __init__(self, *, double: bool = False) -> None:
        self.double = double

    def sqrt(self, x: float) -> float:
        """Return the square root; NaN for a negative number, as arrays do."""
        return math.sqrt(x) if x >= 0 else math.nan

    def where(self, condition: bool, x: Any, y: Any) -> Any:  # noqa: FBT001 - the protocol's
        """Choose."""
        return x if condition else y

    def isfinite(self, x: float) -> bool:
        """Tell whether `x` is neither NaN nor infinite."""
        return math.isfinite(x)

    def any(self, condition: bool) -> bool:  # noqa: FBT001 - the protocol's
        """Return the condition."""
        return condition

    def wide(self, value: Any) -> float:
        """Return a number, or a tensor () that holds one."""
        return float(value)

    def rounded(self, x: float) -> float:
        """Round to float32, unless norms are float64."""
        return x if self.double or not math.isfinite(x) else _single(x)

    def load(self, stored: Any) -> Any:
        """Return an entry of a stored state, which may have been on a device."""
        entry = stored.tolist() if hasattr(stored, "tolist") else stored
        return entry if isinstance(entry, list) else float(entry)

    def store(self, x: Any) -> Any:
        """Return an entry rounded to float32."""
        if isinstance(x, list):  # a window, whose entries were rounded when they were put there
            return x
        return _storable(x)

    def zeros(self, like: float, length: int | None = None) -> Any:
        """Return 0, or a window of zeros."""
        del like
        return 0.0 if length is None else [0.0] * length

    def put(self, window: Window, position: float, value: float) -> Window:
        """Return the window with the value at a position."""
        i = int(position)
        return [*window[:i], _storable(value), *window[i + 1 :]]

    def quantile(self, window: Window, count: float, q: float) -> float:
        """Return the quantile of the first `count` entries."""
        entries = sorted(window[: int(count)])
        if not entries:
            return 0.0
        place = q * (len(entries) - 1)
        low = math.floor(place)
        high = min(low + 1, len(entries) - 1)
        return entries[low] + (place - low) * (entries[high] - entries[low])


def _single(x: float) -> float:
    """Round a finite number to float32; what is too large for it becomes infinite."""
    try:
        value: float = struct.unpack("f", struct.pack("f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)
    return value


def _storable(x: float) -> float:
    """Round as states are rounded."""
    if abs(x) < SMALLEST:
        return 0.0
    return _single(max(-LARGEST, min(x, LARGEST)))
