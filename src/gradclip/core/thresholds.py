"""Thresholds are checked where they enter."""

from gradclip.core.namespace import Array, Namespace
from gradclip.errors import ConfigurationError

_WORDS = (
    "`{name}` must be >= 0, got {value!r}. "
    "Pass None to switch clipping off, float('inf') to measure only."
)


def check_threshold(name: str, value: Array | None, xp: Namespace) -> Array | None:
    """Return a threshold in wide precision; None, which is off, stays None.

    Args:
        name: The argument's name, for the message.
        value: A number or scalar tensor, >= 0; 0 gives zeros, inf measures only.
        xp: The framework's verbs.

    Returns:
        The threshold, () or broadcastable. One whose value is not known yet (traced, or on a
        device) is guarded by `decide` instead.

    Raises:
        ConfigurationError: It is negative or NaN.
    """
    if value is None:
        return None
    if isinstance(value, bool | str | bytes):
        msg = f"`{name}` must be a number >= 0 or None, got {value!r}."
        raise ConfigurationError(msg)
    if isinstance(value, int | float):
        check_number(name, value)
        return xp.wide(value)
    limit = xp.wide(value)
    if xp.truth(limit >= 0) is False:
        raise ConfigurationError(_WORDS.format(name=name, value=value))
    return limit


def check_number(name: str, value: float) -> float:
    """Return a threshold that is a Python number.

    Raises:
        ConfigurationError: It is negative or NaN.
    """
    if value >= 0:
        return float(value)
    raise ConfigurationError(_WORDS.format(name=name, value=value))


def check_bounds(low: Array | None, high: Array | None) -> None:
    """Raise unless two bounds that are plain numbers are in order and not NaN.

    Raises:
        ConfigurationError: A bound is NaN, or the lower lies above the upper.
    """
    for name, bound in (("clip_value_min", low), ("clip_value_max", high)):
        if isinstance(bound, float) and bound != bound:  # noqa: PLR0124 - NaN alone differs
            msg = f"`{name}` must be a number or None, got nan."
            raise ConfigurationError(msg)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        msg = f"`clip_value_min` must not exceed `clip_value_max`, got {low!r} > {high!r}."
        raise ConfigurationError(msg)


def check_norm(name: str, value: Array | None, xp: Namespace) -> Array | None:
    """Return a norm that the caller measured, in wide precision; None stays None.

    NaN and inf are what a norm may be, and are answered as `nonfinite` says.

    Raises:
        ConfigurationError: It is negative.
    """
    if value is None:
        return None
    norm = xp.wide(value)
    if xp.truth(norm < 0):
        msg = f"`{name}` must be >= 0, got {value!r}. Pass a norm that was measured."
        raise ConfigurationError(msg)
    return norm
