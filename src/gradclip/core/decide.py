"""From a norm and a limit to the factor for the gradients."""

import math
from typing import Literal, get_args

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError

NonFinite = Literal["propagate", "raise", "skip", "zero"]


def check_nonfinite(mode: str) -> None:
    """Raise unless `mode` is one of the four answers to non-finite gradients.

    Raises:
        ConfigurationError: It is something else.
    """
    if mode not in get_args(NonFinite):
        msg = f"`nonfinite` must be one of {get_args(NonFinite)}, got {mode!r}."
        raise ConfigurationError(msg)


def decide(norm: Array, limit: Array, nonfinite: NonFinite, xp: Arithmetic) -> Array:
    """Return the factor in [0, 1] that brings a norm down to its limit.

    Norm and limit are compared in the precision in which the norm is returned to users, so that
    clipping at exactly the norm that was measured changes nothing.

    Args:
        norm: The wide norm, () or one a part.
        limit: The wide limit, broadcastable to it; inf never acts, on infinite norms neither.
        nonfinite: `"skip"` answers a non-finite norm with 0, every other mode with NaN.
        xp: The arithmetic of these norms.

    Returns:
        The wide factor, shaped like the norm: exactly 1 at or below the limit; NaN where the
        limit is negative or NaN, so that a traced mistake cannot reverse a gradient.
    """
    over = xp.rounded(norm) > xp.rounded(limit)
    # Every branch is computed and differentiated, and must stay finite: divide by 1 elsewhere.
    factor = xp.where(over, limit / xp.where(over, norm, 1.0), 1.0)
    settled = xp.isfinite(norm) | (limit >= math.inf)
    factor = xp.where(settled, factor, 0.0 if nonfinite == "skip" else math.nan)
    return xp.where(limit >= 0, factor, math.nan)
