"""Policies made of policies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradclip.core.arithmetic import State, is_scalar
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch, blend
from gradclip.core.policies.checks import check_count
from gradclip.core.policies.names import check_patterns, indices_by_label, label_of, matches
from gradclip.core.policies.policy import Policy, Verdict
from gradclip.errors import ConfigurationError

_NO_LIMIT = Verdict(float("inf"), False)  # noqa: FBT003 - a NamedTuple's field


@dataclass(frozen=True, slots=True, init=False)
class Chain:
    """Apply policies one after the other, each to what the one before left.

    Args:
        *policies: The policies, at least one.

    Raises:
        ConfigurationError: There is none, or one is no policy.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(
        ...     gradclip.Chain(gradclip.Value(2.0), gradclip.Norm(1.0))
        ... )
        >>> clipper([np.array([9.0, 0.0]), np.array([0.5])])
        [array([1., 0.]), array([0.5])]
    """

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        if not policies:
            msg = "Chain needs at least one policy, got none."
            raise ConfigurationError(msg)
        object.__setattr__(self, "policies", tuple(check_policy(p, of="Chain") for p in policies))

    def init(self, batch: Batch) -> State:
        """Return the states of the policies."""
        return tuple(policy.init(batch) for policy in self.policies)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Apply them; the limit is the last one's, and each may drop the step."""
        limit, drop, states = _NO_LIMIT.limit, _NO_LIMIT.drop, []
        for policy, own in zip(self.policies, state, strict=True):
            batch, verdict, learned = policy.update(batch, own, step)
            limit, drop = verdict.limit, drop | verdict.drop
            states.append(learned)
        return batch, Verdict(limit, drop), tuple(states)


@dataclass(frozen=True, slots=True)
class Warmup:
    """Let a policy watch before it acts.

    Attributes:
        policy: What acts after the warm-up; it learns from the first step on, and sees what
            `until` left.
        steps: The number of optimizer steps that the warm-up takes; dropped ones do not count.
        until: What acts during the warm-up; None for nothing.

    Raises:
        ConfigurationError: `steps` is no whole number >= 0, or one of the others no policy.

    Example:
        >>> import gradclip
        >>> Warmup(gradclip.AutoClip(), steps=100, until=gradclip.GlobalNorm(1.0)).steps
        100
    """

    policy: Policy
    steps: int
    until: Policy | None = None

    def __post_init__(self) -> None:
        check_policy(self.policy, of="Warmup")
        check_count("steps", self.steps, at_least=0)
        if self.until is not None:
            check_policy(self.until, of="Warmup's `until`")

    def init(self, batch: Batch) -> State:
        """Return the states of both policies."""
        return self.policy.init(batch), () if self.until is None else self.until.init(batch)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Apply one of the two, and let both learn."""
        later, sooner = state
        warm = step < self.steps
        early, early_verdict = batch, _NO_LIMIT
        if self.until is not None:
            early, early_verdict, sooner = self.until.update(batch, sooner, step)
            early = blend(warm, early, batch)
        late, late_verdict, later = self.policy.update(early, later, step)
        where = batch.xp.arithmetic(batch.kinds).where
        verdicts = zip(early_verdict, late_verdict, strict=True)
        chosen = Verdict(*(_choose(where, warm, x, y) for x, y in verdicts))
        return blend(warm, early, late), chosen, (later, sooner)


@dataclass(frozen=True, slots=True)
class PerGroup:
    """Give groups of parameters policies of their own.

    Attributes:
        policies: A policy or None, for none, by the pattern of the parameters' names, as in
            `gradclip.core.policies.names.matches`. The first pattern that matches counts; what
            none matches is left alone.

    Raises:
        ConfigurationError: There is none, one is no policy, or a pattern no text.

    Example:
        >>> import numpy as np, gradclip
        >>> policy = gradclip.PerGroup({"bias": None, "*": gradclip.GlobalNorm(1.0)})
        >>> clipper = gradclip.numpy.Clipper(policy)
        >>> clipper([np.array([3.0, 4.0]), np.array([9.0])], names=["w", "bias"])
        [array([0.6, 0.8]), array([9.])]
    """

    policies: Mapping[str, Policy | None]

    def __post_init__(self) -> None:
        given: object = self.policies
        if not (isinstance(given, Mapping) and given):
            msg = f"PerGroup needs policies by pattern, got {self.policies!r}."
            raise ConfigurationError(msg)
        check_patterns(tuple(self.policies), of="PerGroup")
        for policy in self.policies.values():
            if policy is not None:
                check_policy(policy, of="PerGroup")

    def __hash__(self) -> int:
        return hash(tuple(self.policies.items()))  # in order: the first pattern counts

    def init(self, batch: Batch) -> State:
        """Return the states of the policies, () of those without parameters."""
        return tuple(
            policy.init(batch.subset(indices)) if indices else ()
            for policy, indices in self._plan(batch)
        )

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Apply each policy to its own; reports have no limit in common."""
        drop, states, parts = _NO_LIMIT.drop, [], []
        for (policy, indices), own in zip(self._plan(batch), state, strict=True):
            if not indices:
                states.append(own)
                continue
            part, verdict, learned = policy.update(batch.subset(indices), own, step)
            parts.append((indices, part))
            drop = drop | verdict.drop
            states.append(learned)
        return batch.merged(parts), Verdict(float("nan"), drop), tuple(states)

    def _plan(self, batch: Batch) -> list[tuple[Policy, tuple[int, ...]]]:
        """Return the policies with the places of their parameters."""
        patterns = {pattern: pattern for pattern in self.policies}
        places = indices_by_label([label_of(name, patterns) for name in batch.names])
        return [(p, places.get(key, ())) for key, p in self.policies.items() if p]


@dataclass(frozen=True, slots=True, init=False)
class Exclude:
    """Leave parameters out of a policy: they are neither measured nor clipped.

    Args:
        *patterns: Which, as in `gradclip.core.policies.names.matches`: `"head"`, `"bias"`.
        policy: What is done to the others.

    Raises:
        ConfigurationError: There is no pattern, one is no text, or `policy` is no policy.

    Example:
        >>> import gradclip
        >>> Exclude("head", "bias", policy=gradclip.AdaptiveGradientClipping(0.01)).patterns
        ('head', 'bias')
    """

    patterns: tuple[str, ...]
    policy: Policy

    def __init__(self, *patterns: str, policy: Policy) -> None:
        if not patterns:
            msg = "Exclude needs at least one pattern such as 'head' or 'bias', got none."
            raise ConfigurationError(msg)
        object.__setattr__(self, "patterns", check_patterns(patterns, of="Exclude"))
        object.__setattr__(self, "policy", check_policy(policy, of="Exclude"))

    def init(self, batch: Batch) -> State:
        """Return the policy's state for what is not excluded."""
        return self.policy.init(batch.subset(self._included(batch)))

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Apply the policy to what is not excluded."""
        included = self._included(batch)
        part, verdict, learned = self.policy.update(batch.subset(included), state, step)
        limit = verdict.limit
        if not is_scalar(limit):  # one a tensor: those left out have none
            limit = batch.xp.stack(
                [
                    batch.xp.take(limit, included.index(i)) if i in included else float("inf")
                    for i in range(len(batch.names))
                ]
            )
        return batch.merged([(included, part)]), Verdict(limit, verdict.drop), learned

    def _included(self, batch: Batch) -> tuple[int, ...]:
        return tuple(
            i
            for i, name in enumerate(batch.names)
            if not any(matches(name, pattern) for pattern in self.patterns)
        )


def check_policy(policy: object, *, of: str) -> Policy:
    """Return a policy.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(policy, Policy) and not isinstance(policy, type):
        return policy
    msg = f"{of} takes policies such as gradclip.GlobalNorm(1.0), got {policy!r}."
    raise ConfigurationError(msg)


def _choose(where: Callable[..., Array], condition: Array, x: Array, y: Array) -> Array:
    """Choose at once where the condition is known."""
    if isinstance(condition, bool):
        return x if condition else y
    return where(condition, x, y)
