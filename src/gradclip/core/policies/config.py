"""Policies as JSON values and back: what a saved model or a run directory holds."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from gradclip.core.policies.adaptive import SPAM, AdaGC, AutoClip, ZClip
from gradclip.core.policies.clip import Clip
from gradclip.core.policies.combine import Chain, Exclude, PerGroup, Warmup
from gradclip.core.policies.fixed import (
    AdaptiveGradientClipping,
    AverageNorm,
    BlockRMS,
    GlobalNorm,
    Norm,
    Value,
)
from gradclip.core.policies.granularity import Grouped, Units
from gradclip.core.policies.limits import (
    Constant,
    Percentile,
    Ratio,
    RunningMean,
    Schedule,
    SecondMoment,
    ZScore,
)
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.resolve import NoClipping
from gradclip.core.policies.update_clipping import UpdateRMS
from gradclip.errors import ConfigurationError

_CLASS = "class"
_KNOWN: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        *(Value, Norm, AverageNorm, BlockRMS, GlobalNorm, AdaptiveGradientClipping),
        *(AutoClip, ZClip, AdaGC, SPAM, Clip, Chain, Warmup, PerGroup, Exclude, NoClipping),
        *(Constant, Ratio, Schedule, Percentile, ZScore, RunningMean, SecondMoment),
        *(Units, Grouped, UpdateRMS),
    )
}


def to_config(policy: Policy) -> dict[str, Any]:
    """Return a policy as values that JSON knows.

    Args:
        policy: A policy of gradclip's; of its arguments, none may be a tensor or a function.

    Returns:
        A dictionary that `from_config` reads.

    Raises:
        ConfigurationError: The policy, or something in it, cannot be written down.

    Example:
        >>> import gradclip
        >>> to_config(gradclip.Norm(1.0))
        {'class': 'Norm', 'max_norm': 1.0, 'axes': None, 'norm_type': 2.0}
    """
    config: dict[str, Any] = _encoded(policy)
    return config


def from_config(config: Mapping[str, Any]) -> Policy:
    """Return the policy that `to_config` has written down.

    Args:
        config: What it returned.

    Returns:
        The policy, equal to the one that was written.

    Raises:
        ConfigurationError: It is something else.

    Example:
        >>> from_config({"class": "Norm", "max_norm": 1.0})
        Norm(max_norm=1.0, axes=None, norm_type=2.0)
    """
    policy: object = _decoded(config)
    if isinstance(policy, Policy):
        return policy
    msg = f"A policy's configuration must name one of {', '.join(_KNOWN)}, got {config!r}."
    raise ConfigurationError(msg)


def _encoded(value: Any) -> Any:
    """Return a value as JSON has it.

    Raises:
        ConfigurationError: JSON cannot.
    """
    if type(value).__name__ in _KNOWN and dataclasses.is_dataclass(value):
        fields = {f.name: _encoded(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_CLASS: type(value).__name__, **fields}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_encoded(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _encoded(entry) for key, entry in value.items()}
    msg = (
        "A policy can be saved if it is gradclip's and made of numbers, texts and schedules, got "
        f"{value!r}. Use a Schedule in place of a function, a number in place of a tensor."
    )
    raise ConfigurationError(msg)


def _decoded(value: Any) -> Any:
    """Return what a value of JSON stands for."""
    if isinstance(value, list | tuple):
        return tuple(_decoded(entry) for entry in value)
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"float"}:
        return float(value["float"])
    if value.get(_CLASS) in _KNOWN:
        arguments = {key: _decoded(entry) for key, entry in value.items() if key != _CLASS}
        return _built(value[_CLASS], arguments)
    return {key: _decoded(entry) for key, entry in value.items()}


def _built(name: str, arguments: dict[str, Any]) -> Any:
    """Return an object of a known class.

    Raises:
        ConfigurationError: It takes other arguments.
    """
    kind = _KNOWN[name]
    positional = {"Chain": "policies", "Exclude": "patterns"}
    try:
        several = arguments.pop(positional[name]) if name in positional else ()
        return kind(*several, **arguments)
    except (KeyError, TypeError) as error:
        msg = f"The configuration of {name} does not fit this version of gradclip: {error}."
        raise ConfigurationError(msg) from error
