"""Kinds of norms: what measures the size of a gradient."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError

Kind = float | Literal["rms", "average"]


@dataclass(frozen=True, slots=True)
class Norm:
    """A p-norm, divided or not by a power of the number of entries.

    Attributes:
        p: The p, > 0; inf for the largest modulus.
        power: The number of entries is taken to this power and divides the norm.
    """

    p: float = 2.0
    power: float = 0.0

    @property
    def averaged(self) -> bool:
        """Whether the number of entries matters."""
        return self.power != 0

    def divisor(self, size: Array) -> Array:
        """Return what the p-norm of `size` entries is divided by."""
        return size**self.power


def resolve_norm(kind: Any) -> Norm:
    """Return the norm that an argument `norm` means.

    Args:
        kind: The p of a p-norm, > 0; `"rms"` for the root mean square, `"average"` for
            TensorFlow's average norm, the 2-norm divided by the number of entries.

    Raises:
        ConfigurationError: It is something else.

    Example:
        >>> resolve_norm("rms").divisor(16.0)
        4.0
    """
    if kind == "rms":
        return Norm(2.0, 0.5)
    if kind == "average":
        return Norm(2.0, 1.0)
    if isinstance(kind, int | float) and not isinstance(kind, bool) and kind > 0:
        return Norm(float(kind))
    msg = f"`norm` must be a p > 0, {math.inf}, 'rms' or 'average', got {kind!r}."
    raise ConfigurationError(msg)
