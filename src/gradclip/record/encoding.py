"""Numbers to valid JSON and back: NaN and infinities travel as strings."""

import json
import math
from collections.abc import Mapping, Sequence

from gradclip.record.schema import Json

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: object) -> Json:
    """Return a value with NaN and infinities as the strings that JSON can hold.

    Args:
        value: None, a number, text, or mappings and sequences of these; anything else (a path)
            becomes its text.

    Returns:
        A value that any JSON reader accepts.

    Example:
        >>> encode({"loss": float("nan"), "norms": (1.0, float("inf"))})
        {'loss': 'NaN', 'norms': [1.0, 'Infinity']}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): encode(entry) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return [encode(entry) for entry in value]
    return str(value)


def decode(value: Json) -> Json:
    """Return a value with the strings of `encode` as floats again.

    Example:
        >>> decode({"loss": "NaN", "norms": [1.0, "Infinity"]})
        {'loss': nan, 'norms': [1.0, inf]}
    """
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    if isinstance(value, dict):
        return {key: decode(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [decode(entry) for entry in value]
    return value


def to_line(value: object) -> str:
    r"""Return a value as one line of JSON, its newline included.

    Example:
        >>> to_line({"step": 0})
        '{"step":0}\n'
    """
    return json.dumps(encode(value), allow_nan=False, separators=(",", ":")) + "\n"
