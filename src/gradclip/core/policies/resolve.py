"""Policies by name: what `clip=` and `--clip` accept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, get_args

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.adaptive import SPAM, AdaGC, AutoClip, ZClip
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.fixed import (
    AdaptiveGradientClipping,
    AverageNorm,
    BlockRMS,
    GlobalNorm,
    Norm,
    Value,
)
from gradclip.core.policies.policy import Policy, Verdict
from gradclip.errors import ConfigurationError

METHODS: dict[str, type] = {
    kind.name: kind
    for kind in (
        GlobalNorm,
        Norm,
        AverageNorm,
        BlockRMS,
        Value,
        AdaptiveGradientClipping,
        AutoClip,
        ZClip,
        AdaGC,
        SPAM,
    )
}
_WITHOUT_NUMBER = ("agc", "autoclip", "zclip", "adagc", "spam")  # they have published defaults


@dataclass(frozen=True, slots=True)
class Own:
    """A user's function from a list of gradients to a list of gradients.

    Attributes:
        function: The function; None stands where there is no gradient.
    """

    function: Callable[[list[Array | None]], list[Array | None]]

    def init(self, batch: Batch) -> State:
        """Return nothing: there is no state."""
        del batch
        return ()

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the function's gradients.

        Raises:
            ConfigurationError: The function returned another number of gradients.
        """
        del step
        settled = batch.settled()
        clipped = list(self.function(settled.tensors))
        if len(clipped) != len(batch.tensors):
            msg = (
                f"`clip` must return as many gradients as it gets, got {len(clipped)} for "
                f"{len(batch.tensors)}. Of clip_by_global_norm's result take the list: `[0]`."
            )
            raise ConfigurationError(msg)
        return settled.with_tensors(clipped), Verdict(float("nan"), False), state  # noqa: FBT003


@dataclass(frozen=True, slots=True)
class NoClipping:
    """Measure, and leave the gradients as they are."""

    def init(self, batch: Batch) -> State:
        """Return nothing: there is no state."""
        del batch
        return ()

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the gradients as they came."""
        del step
        return batch, Verdict(float("inf"), False), state  # noqa: FBT003


def resolve_policy(policy: object) -> Policy:
    """Return the policy that an argument means.

    Args:
        policy: A policy; None for no clipping; a text such as `"global-norm=15"` or `"zclip"`;
            or a function from a list of gradients (None in place) to such a list.

    Raises:
        ConfigurationError: It is none of these.

    Example:
        >>> resolve_policy("norm=1")
        Norm(max_norm=1.0, axes=None, norm_type=2.0)
    """
    if policy is None or isinstance(policy, str):
        return parse_policy(policy) or NoClipping()
    if isinstance(policy, Policy) and not isinstance(policy, type):
        return policy
    if callable(policy) and not isinstance(policy, type):
        return Own(policy)
    msg = (
        "A policy must be one of gradclip's such as GlobalNorm(1.0), a text such as "
        f"'global-norm=1', a function or None, got {policy!r}."
    )
    raise ConfigurationError(msg)


def parse_policy(text: str | None) -> Policy | None:
    """Return the policy that a text such as `global-norm=15` names.

    Args:
        text: `NAME=NUMBER` with a name of `METHODS`; those with published defaults need no
            number. Other parameters follow by their names, as in `zclip=3,decay=0.99`. None or
            `none` for no clipping.

    Returns:
        The policy, or None.

    Raises:
        ConfigurationError: A name is unknown or a number out of its range.

    Example:
        >>> parse_policy("global-norm=15")
        GlobalNorm(max_norm=15.0, norm_type=2.0)
        >>> parse_policy("zclip,decay=0.99")
        ZClip(threshold=2.5, decay=0.99, warmup=25)
    """
    if text is None or text == "none":
        return None
    first, *others = text.split(",")
    name, _, number = first.partition("=")
    kind = METHODS.get(name)
    if kind is None:
        raise ConfigurationError(_unknown(text, name))
    parameters = {field.name: field.type for field in fields(kind)}
    entries = [f"{next(iter(parameters))}={number}"] if number else []
    given: dict[str, object] = {}
    for entry in entries + others:
        parameter, value = _parameter(name, entry, parameters)
        if parameter in given:
            msg = f"`{parameter}` of {name!r} is given twice in {text!r}."
            raise ConfigurationError(msg)
        given[parameter] = value
    if name not in _WITHOUT_NUMBER and next(iter(parameters)) not in given:
        raise ConfigurationError(_unknown(text, name))
    policy: Policy = kind(**given)
    return policy


def _unknown(text: str, name: str) -> str:
    """Return what to say of a text that names no policy."""
    choices = ", ".join(f"{n}[=NUMBER]" if n in _WITHOUT_NUMBER else f"{n}=NUMBER" for n in METHODS)
    nearest = get_close_matches(name, METHODS, n=1)
    meant = f"{nearest[0]}{text.removeprefix(name)}" if nearest and name not in METHODS else ""
    hint = f" Did you mean {meant!r}?" if meant else ""
    return f"A clipping must be one of {choices} or none, got {text!r}.{hint}"


def _parameter(name: str, entry: str, parameters: Mapping[str, Any]) -> tuple[str, object]:
    """Return the parameter that an entry such as `decay=0.99` names, and its value.

    Raises:
        ConfigurationError: There is no such parameter, or the value is no number.
    """
    written, _, text = entry.partition("=")
    parameter = written.strip().replace("-", "_")
    if parameter not in parameters:
        nearest = get_close_matches(parameter, parameters, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        choices = ", ".join(parameters)
        msg = f"{name!r} has no parameter {written!r}.{hint} There are: {choices}."
        raise ConfigurationError(msg)
    kinds = get_args(parameters[parameter]) or (parameters[parameter],)
    try:
        return parameter, _value(text.strip(), kinds)
    except ValueError as error:
        number = "a number" if float in kinds else "a whole number"
        msg = f"`{parameter}` of {name!r} must be {number}, got {text!r}."
        raise ConfigurationError(msg) from error


def _value(text: str, kinds: tuple[Any, ...]) -> object:
    """Return what a text stands for in a parameter of some kinds; axes have + between them."""
    if text == "none" and type(None) in kinds:
        return None
    if float in kinds:
        return float(text)
    if "+" in text and tuple[int, ...] in kinds:
        return tuple(int(axis) for axis in text.split("+"))
    return int(text)
