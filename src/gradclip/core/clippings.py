"""Clippings by name: what `clip=` and `--clip` accept."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gradclip.core.functions import Functions
from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError

Gradients = list[Array | None]


class Clipping(Protocol):
    """A clipping of a list of gradients, the same in every framework."""

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the clipped gradients, None in place."""


@dataclass(frozen=True, slots=True)
class GlobalNorm:
    """Scale all gradients down to a common norm of `max_norm`."""

    max_norm: float
    name: ClassVar[str] = "global-norm"

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the clipped gradients, None in place."""
        del variables
        clipped: Gradients = functions.clip_by_global_norm(gradients, self.max_norm)[0]
        return clipped


@dataclass(frozen=True, slots=True)
class _EachTensor:
    """Clip each gradient by itself with one of the functions on one tensor."""

    max_norm: float
    function: ClassVar[str]

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the clipped gradients, None in place."""
        del variables
        clip = getattr(functions, self.function)
        return [clip(g, self.max_norm) for g in gradients]


class Norm(_EachTensor):
    """Scale each gradient down to a norm of `max_norm`."""

    __slots__ = ()
    name: ClassVar[str] = "norm"
    function: ClassVar[str] = "clip_by_norm"


class AverageNorm(_EachTensor):
    """Scale each gradient down to a norm per entry of `max_norm`."""

    __slots__ = ()
    name: ClassVar[str] = "average-norm"
    function: ClassVar[str] = "clip_by_average_norm"


class BlockRMS(_EachTensor):
    """Scale each gradient down to a root mean square of `max_norm`."""

    __slots__ = ()
    name: ClassVar[str] = "block-rms"
    function: ClassVar[str] = "clip_by_block_rms"


@dataclass(frozen=True, slots=True)
class Value:
    """Limit each entry to [-max_value, max_value]."""

    max_value: float
    name: ClassVar[str] = "value"

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the clipped gradients, None in place."""
        del variables
        return [functions.clip_by_value(g, -self.max_value, self.max_value) for g in gradients]


@dataclass(frozen=True, slots=True)
class AdaptiveGradientClipping:
    """Scale each unit's gradient down to a fraction of its weights' norm."""

    clipping: float
    name: ClassVar[str] = "agc"

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the clipped gradients, None in place."""
        pairs = zip(gradients, variables, strict=True)
        return [functions.adaptive_clip(g, w, self.clipping) for g, w in pairs]


CLIPPINGS: dict[str, type] = {
    kind.name: kind
    for kind in (GlobalNorm, Norm, AverageNorm, BlockRMS, Value, AdaptiveGradientClipping)
}


def parse_clipping(text: str | None) -> Clipping | None:
    """Return the clipping that a text such as `global-norm=15` names.

    Args:
        text: `NAME=THRESHOLD` with a name of `CLIPPINGS`; None or `none` for no clipping.

    Returns:
        The clipping, or None.

    Raises:
        ConfigurationError: The name is unknown or the threshold not a number >= 0.

    Example:
        >>> parse_clipping("global-norm=15")
        GlobalNorm(max_norm=15.0)
    """
    if text is None or text == "none":
        return None
    name, _, threshold = text.partition("=")
    choices = ", ".join(f"{known}=THRESHOLD" for known in CLIPPINGS)
    if name not in CLIPPINGS or not threshold:
        msg = f"A clipping must be one of {choices} or none, got {text!r}."
        raise ConfigurationError(msg)
    try:
        limit = float(threshold)
    except ValueError as error:
        msg = f"The threshold of {name!r} must be a number, got {threshold!r}."
        raise ConfigurationError(msg) from error
    if not limit >= 0:
        msg = f"The threshold of {name!r} must be >= 0, got {threshold!r}."
        raise ConfigurationError(msg)
    clipping: Clipping = CLIPPINGS[name](limit)
    return clipping
