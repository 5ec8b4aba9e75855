"""Policies by name: what `clip=` and `--clip` accept."""

from collections.abc import Callable
from dataclasses import dataclass

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
            number; None or `none` for no clipping.

    Returns:
        The policy, or None.

    Raises:
        ConfigurationError: The name is unknown or the number out of its range.

    Example:
        >>> parse_policy("global-norm=15")
        GlobalNorm(max_norm=15.0, norm_type=2.0)
        >>> parse_policy("zclip").threshold
        2.5
    """
    if text is None or text == "none":
        return None
    name, _, number = text.partition("=")
    if name not in METHODS or not (number or name in _WITHOUT_NUMBER):
        choices = ", ".join(
            f"{n}[=NUMBER]" if n in _WITHOUT_NUMBER else f"{n}=NUMBER" for n in METHODS
        )
        msg = f"A clipping must be one of {choices} or none, got {text!r}."
        raise ConfigurationError(msg)
    if not number:
        policy: Policy = METHODS[name]()
        return policy
    try:
        value = float(number)
    except ValueError as error:
        msg = f"The number of {name!r} must be one, got {number!r}."
        raise ConfigurationError(msg) from error
    named: Policy = METHODS[name](value)
    return named
