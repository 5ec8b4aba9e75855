"""Resets of an optimizer's own momentum that policies ask for."""

from collections.abc import Mapping
from typing import NamedTuple

from gradclip.core.policies.adaptive import SPAM
from gradclip.core.policies.combine import Chain, Exclude, PerGroup, Warmup
from gradclip.core.policies.names import label_of, matches
from gradclip.core.policies.policy import Policy
from gradclip.core.warning import warn_user

Names = tuple[str, ...]


class Reset(NamedTuple):
    """Moments of these parameters are to be set to zero after every so many applied steps."""

    every: int
    names: Names


def momentum_resets(policy: Policy, names: Names) -> list[Reset]:
    """Return the resets that a policy asks for: SPAM's `reset_every`.

    Args:
        policy: The policy.
        names: The parameters' names.

    Returns:
        The resets, each for the parameters that its SPAM governs; none for other policies.

    Example:
        >>> import gradclip
        >>> momentum_resets(gradclip.SPAM(reset_every=500), ("w", "b"))
        [Reset(every=500, names=('w', 'b'))]
        >>> momentum_resets(gradclip.GlobalNorm(1.0), ("w", "b"))
        []
    """
    found: list[Reset] = []
    match policy:
        case SPAM(reset_every=int(every)) if names:
            found = [Reset(every, names)]
        case Chain(policies=links):
            found = [reset for link in links for reset in momentum_resets(link, names)]
        case Warmup(policy=later):
            found = momentum_resets(later, names)
        case Exclude(patterns=patterns, policy=inner):
            kept = [n for n in names if not any(matches(n, pattern) for pattern in patterns)]
            found = momentum_resets(inner, tuple(kept))
        case PerGroup(policies=policies):
            found = _of_groups(policies, names)
        case _:  # the others know nothing of an optimizer
            pass
    return found


def asks_for_resets(policy: Policy) -> bool:
    """Tell whether a policy asks for resets of some parameters' moments.

    Args:
        policy: The policy.

    Returns:
        Whether it does, for whatever names its parameters have.

    Example:
        >>> import gradclip
        >>> asks_for_resets(gradclip.SPAM()), asks_for_resets(gradclip.SPAM(reset_every=None))
        (True, False)
    """
    match policy:
        case SPAM(reset_every=every):
            return every is not None
        case Chain(policies=links):
            return any(map(asks_for_resets, links))
        case Warmup(policy=inner) | Exclude(policy=inner):
            return asks_for_resets(inner)
        case PerGroup(policies=policies):
            return any(asks_for_resets(inner) for inner in policies.values() if inner is not None)
        case _:  # the others know nothing of an optimizer
            return False


def warn_of_moments_out_of_reach(policy: Policy, instead: str) -> None:
    """Warn if a policy asks for resets, for a clipper that has no optimizer to reset.

    Args:
        policy: The policy.
        instead: What to do instead, a sentence without its full stop.

    Example:
        >>> import gradclip
        >>> warn_of_moments_out_of_reach(gradclip.GlobalNorm(1.0), "Reset them yourself")
    """
    if asks_for_resets(policy):
        warn_user(out_of_reach(instead))


def out_of_reach(instead: str) -> str:
    """Return what is said of resets that a clipper cannot carry out."""
    return (
        "SPAM's reset_every sets an optimizer's moments to zero, and a Clipper knows no optimizer: "
        f"its own statistics alone start afresh. {instead}, or pass reset_every=None."
    )


def _of_groups(policies: Mapping[str, Policy | None], names: Names) -> list[Reset]:
    """Return the resets of each group's policy."""
    patterns = {pattern: pattern for pattern in policies}
    labels = {name: label_of(name, patterns) for name in names}
    return [
        reset
        for pattern, inner in policies.items()
        if inner is not None
        for reset in momentum_resets(inner, tuple(n for n in names if labels[n] == pattern))
    ]
