"""Resets of an optimizer's own momentum that policies ask for."""

from collections.abc import Mapping
from typing import NamedTuple

from gradclip.core.policies.adaptive import SPAM
from gradclip.core.policies.combine import Chain, Exclude, PerGroup, Warmup
from gradclip.core.policies.names import label_of, matches
from gradclip.core.policies.policy import Policy

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
