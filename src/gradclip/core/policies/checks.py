"""The numbers of policies, checked where they enter."""

import math
from typing import Any, get_args

from gradclip.errors import ConfigurationError


def check_limit(name: str, value: Any) -> None:
    """Raise if a threshold that is a number is negative or NaN.

    Tensors and functions pass; what they hold is guarded when it is used.

    Raises:
        ConfigurationError: It is, or is no threshold at all.
    """
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if (known and value >= 0) or (not known and (callable(value) or hasattr(value, "dtype"))):
        return
    msg = f"`{name}` must be a number >= 0, got {value!r}. float('inf') measures only."
    raise ConfigurationError(msg)


def check_number(
    name: str,
    value: object,
    *,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Raise unless a number lies within bounds.

    Raises:
        ConfigurationError: It does not, or is no number.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and at_least <= value <= at_most and above < value < below:  # type: ignore[operator]  # a number
        return
    low = f">= {at_least:g}" if above == -math.inf else f"> {above:g}"
    high = f" and <= {at_most:g}" if at_most < math.inf else ""
    high = f" and < {below:g}" if below < math.inf else high
    msg = f"`{name}` must be a finite number {low}{high}, got {value!r}."
    raise ConfigurationError(msg)


def check_count(name: str, value: object, *, at_least: int, at_most: int | None = None) -> None:
    """Raise unless a whole number lies within bounds.

    Raises:
        ConfigurationError: It does not, or is no whole number.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and at_least <= value and (at_most is None or value <= at_most):  # type: ignore[operator]  # a number
        return
    high = "" if at_most is None else f" and <= {at_most}"
    msg = f"`{name}` must be a whole number >= {at_least}{high}, got {value!r}."
    raise ConfigurationError(msg)


def check_choice(name: str, value: object, choices: Any) -> None:
    """Raise unless a value is one of a literal's.

    Raises:
        ConfigurationError: It is another one.
    """
    if value not in get_args(choices):
        msg = f"`{name}` must be one of {get_args(choices)}, got {value!r}."
        raise ConfigurationError(msg)
