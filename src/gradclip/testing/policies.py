"""Whether a policy keeps the promises that gradclip makes."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.update_clipping import split_update_clipping
from gradclip.errors import ConfigurationError, ConformanceError
from gradclip.testing.promises import PROMISES, Promise, adapts
from gradclip.testing.trial import FRAMEWORKS, HISTORY, Trial, random_norms

NAMES = ("encoder.weight", "encoder.bias", "head.weight")
_TOLERANCE = 1e-6
_LEVEL = 5.0
_ENOUGH = 200  # steps in a row that tell that a level is accepted


@dataclass(frozen=True, kw_only=True, slots=True)
class Conformance:
    """What a check of a policy that keeps all promises found out.

    Attributes:
        adapts: Whether the policy learns from step to step.
        recovery_steps: The steps until gradients that had grown to 5 times as much were no longer
            cut to less than half of what a policy that never saw another level leaves of them;
            None where this was not asked, or the policy does not adapt.
        frameworks: The frameworks whose decisions were compared.
    """

    adapts: bool
    recovery_steps: int | None
    frameworks: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a line."""
        steps = self.recovery_steps
        recovery = "" if steps is None else f" within {steps} step{'s' * (steps != 1)}"
        learning = f"adapts to a new level{recovery}" if self.adapts else "does not adapt"
        return f"keeps all promises; {learning}; alike in {', '.join(self.frameworks)}"


def check_policy(
    policy: object,
    *,
    names: Sequence[str] = NAMES,
    frameworks: Sequence[str] | None = None,
    recovers_within: int | None = 5000,
) -> Conformance:
    """Check a policy of your own, or a combination, on a few thousand made-up steps.

    The promises: decisions repeat; states go through checkpoints to the bit, as float32; None,
    zeros, and lists without gradients are no error; NaN and infinities are skipped and teach
    nothing; a gradient that is not too large keeps its bits; a norm has no influence on
    its own limit; a lasting change of level is accepted; frameworks decide alike.

    Args:
        policy: A policy, or a text such as `"zclip"`.
        names: The parameters' names, for policies that tell them apart.
        frameworks: Rooms such as `"torch"` to compare with NumPy within 1e-6; by default those
            that are loaded already.
        recovers_within: The steps within which an adaptive policy must accept norms that are 5
            times as large for good; None for a policy that is not meant to.

    Returns:
        What was found out.

    Raises:
        ConfigurationError: `policy` or `frameworks` is none of these.
        ConformanceError: A promise is broken; the message has them all.

    Example:
        >>> import gradclip
        >>> from gradclip.testing import check_policy
        >>> print(check_policy(gradclip.ZClip(), frameworks=["numpy"]))
        keeps all promises; adapts to a new level within 41 steps; alike in numpy
    """
    gradients_policy = split_update_clipping(resolve_policy(policy))[0]
    rooms = _rooms(frameworks)
    trial = Trial(gradients_policy, names)
    broken = [problem for promise in PROMISES if (problem := _problem(promise, trial))]
    if broken:  # what follows is of no use to a policy that breaks these
        raise ConformanceError(_message(policy, broken))
    adaptive = adapts(trial.start())
    steps = recovery(trial, recovers_within) if adaptive and recovers_within is not None else None
    if adaptive and recovers_within is not None and steps is None:
        broken.append(
            f"Norms that are {_LEVEL:g} times as large for good must be accepted within "
            f"{recovers_within} steps, and were not. Let cut norms move the limit too."
        )
    broken += [problem for room in rooms if (problem := _difference(trial, room))]
    if broken:
        raise ConformanceError(_message(policy, broken))
    return Conformance(adapts=adaptive, recovery_steps=steps, frameworks=("numpy", *rooms))


def recovery(trial: Trial, most: int) -> int | None:
    """Return the steps until a policy accepts norms that are 5 times as large for good.

    Args:
        trial: The policy.
        most: The steps after which to give up.

    Returns:
        The steps; None if there were more.
    """
    norms = random_norms(most + _ENOUGH, _LEVEL)
    enough = _settled_shares(trial, norms) / 2
    last = 0
    for place, step in enumerate(trial.steps(norms, trial.seasoned())):
        if np.any(step.parts < enough):
            last = place + 1
        if last > most:
            return None
        if place - last >= _ENOUGH:
            break
    return last


def _settled_shares(trial: Trial, norms: list[float]) -> Any:
    """Return what a policy that never saw another level comes to leave of each gradient, (T,)."""
    shares: list[Any] = []
    before: Any = 0.0
    for step in trial.steps(norms):
        shares.append(step.parts)
        if len(shares) % _ENOUGH == 0:
            now = np.median(shares[-_ENOUGH:], axis=0)
            if np.all(np.abs(now - before) <= 0.01 * before):
                break
            before = now
    return np.median(shares[-_ENOUGH:], axis=0)


def _rooms(frameworks: Sequence[str] | None) -> tuple[str, ...]:
    """Return the rooms to compare with NumPy.

    Raises:
        ConfigurationError: One is unknown.
    """
    if frameworks is None:
        return tuple(room for room in FRAMEWORKS if room in sys.modules and room != "numpy")
    for room in frameworks:
        if room not in FRAMEWORKS:
            msg = f"`frameworks` must be of {', '.join(FRAMEWORKS)}, got {room!r}."
            raise ConfigurationError(msg)
    return tuple(room for room in frameworks if room != "numpy")


def _problem(promise: Promise, trial: Trial) -> str | None:
    """Return what is wrong, be it an exception."""
    try:
        return promise(trial)
    except Exception as error:  # noqa: BLE001 - whatever a policy on trial raises is a finding
        what = promise.__name__.replace("_", " ")
        return f"{type(error).__name__} while testing that {what}: {error}"


def _difference(trial: Trial, room: str) -> str | None:
    """Return where a framework decides otherwise than NumPy."""
    norms = [*HISTORY[:120], 30.0, 0.0, float("nan"), *HISTORY[120:150]]
    other = Trial(trial.policy, trial.names, room)
    for place, (one, two) in enumerate(zip(trial.steps(norms), other.steps(norms), strict=True)):
        if one.skipped != two.skipped or not abs(one.scale - two.scale) <= _TOLERANCE:
            return (
                f"Decisions must be the same everywhere, got {two.decision} in {room} and "
                f"{one.decision} in NumPy at step {place}."
            )
    return None


def _message(policy: object, broken: list[str]) -> str:
    listed = "\n".join(f"  - {problem}" for problem in broken)
    return f"{policy!r} breaks {len(broken)} of gradclip's promises:\n{listed}"
