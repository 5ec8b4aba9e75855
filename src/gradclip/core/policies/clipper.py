"""The object that users hold: a policy with its state, for frameworks whose objects may change."""

from collections.abc import Iterable, Sequence
from typing import Any

from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.namespace import Array, Namespace
from gradclip.core.policies.report import Report
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import Gradients, Outcome, PolicyState, init, update
from gradclip.core.policies.saving import leaves, plain, restored
from gradclip.core.sequences import read_once
from gradclip.core.skipping import SkippedSteps
from gradclip.errors import ConfigurationError


class Clipper:
    """Clip the gradients of step after step.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        statistics: Whether reports shall have `statistics` too: the gradients are read once all
            the same.
        xp: The framework's verbs.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
        xp: Namespace,
    ) -> None:
        check_nonfinite(nonfinite)
        self.statistics = statistics
        self.policy = resolve_policy(policy)
        self.nonfinite: NonFinite = nonfinite
        self._skipped = SkippedSteps(max_skipped)
        self._xp = xp
        self._state: PolicyState | None = None
        self._report: Report | None = None
        self._names: tuple[str, ...] = ()
        self._saved: Any = None  # what was loaded, until there is a state that it fits into

    def __call__(
        self,
        gradients: Iterable[Array | None],
        variables: Iterable[Array] | None = None,
        names: Sequence[str] | None = None,
    ) -> Gradients:
        """Return the clipped gradients.

        Args:
            gradients: The gradients of one step, always of the same parameters in the same
                order; None where there is none.
            variables: The parameters, for policies that are relative to their norms.
            names: The parameters' names, for reports and patterns; by default "0", "1", ...

        Returns:
            The gradients, None in place; zeros for a skipped step.

        Raises:
            ConfigurationError: The number of gradients, variables and names differs.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        outcome = self.decide(read_once(gradients, "gradients"), variables, names)
        clipped = outcome.gradients()
        self.count(outcome)
        return clipped

    def decide(
        self,
        gradients: Gradients,
        variables: Iterable[Array] | None = None,
        names: Sequence[str] | None = None,
        factor: Array = 1.0,
    ) -> Outcome:
        """Measure and decide, and remember; nothing is multiplied yet.

        Args:
            gradients: As in a call.
            variables: As in a call.
            names: As in a call.
            factor: What to multiply the gradients by before they are looked at.

        Returns:
            What was decided.
        """
        weights = [] if variables is None else list(variables)
        labels = tuple(map(str, range(len(gradients))) if names is None else names)
        _check_lengths(gradients, weights if variables is not None else None, labels)
        outcome = update(
            self.policy,
            gradients,
            self._ready(weights or gradients, labels),
            weights=weights,
            names=labels,
            nonfinite=self.nonfinite,
            xp=self._xp,
            factor=factor,
            statistics=self.statistics,
        )
        self._state, self._report = outcome.state, outcome.report
        return outcome

    def _ready(self, params: Gradients, names: tuple[str, ...]) -> PolicyState:
        """Return the state for this step, whose parameters may be new."""
        if self._state is None:
            self._state = init(self.policy, params, names, self._xp)
        elif names != self._names:
            self._state = self._followed(self._state, params, names)
        self._names = names
        if self._saved is not None:
            self._state = restored(self._state, self._saved)
            self._saved = None
        return self._state

    def _followed(
        self, state: PolicyState, params: Gradients, names: tuple[str, ...]
    ) -> PolicyState:
        """Return the state for other parameters than before.

        Raises:
            ConfigurationError: The policy learns, and what it learned is of others.
        """
        fresh = init(self.policy, params, names, self._xp)
        if not any(True for _ in leaves(fresh.inner)):
            return state
        msg = (
            "A policy that learns must get the same parameters in the same order at every step, "
            f"got {_shortened(names)} after {_shortened(self._names)}. Make a Clipper for each."
        )
        raise ConfigurationError(msg)

    def count(self, outcome: Outcome) -> None:
        """Count a step that was skipped or not.

        Raises:
            NonFiniteGradientError: Too many in a row were.
        """
        self._skipped.record(finite=not outcome.skipped)

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return self._skipped.total

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not."""
        return self._skipped.in_a_row

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened: lists and numbers."""
        state = None if self._state is None else plain(self._state)
        return {
            "policy": state if self._saved is None else self._saved,
            "skipped": [self.skipped_steps, self.skipped_in_a_row],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; whether it fits is seen at the next step."""
        self._saved = state_dict["policy"]
        self._skipped.total, self._skipped.in_a_row = state_dict["skipped"]


def _shortened(names: tuple[str, ...]) -> str:
    """Return names for an error, not too many."""
    shown = ", ".join(map(repr, names[:3]))
    return f"{len(names)} ({shown}{', ...' if len(names) > 3 else ''})"  # noqa: PLR2004 - enough


def _check_lengths(gradients: Gradients, weights: list[Array] | None, names: Sequence[str]) -> None:
    """Raise unless there is a variable and a name for each gradient.

    Raises:
        ConfigurationError: There is not.
    """
    lengths = {"variables": weights, "names": names}
    for what, given in lengths.items():
        if given is not None and len(given) != len(gradients):
            count = len(gradients)
            msg = f"`{what}` must be one for each of {count} gradients, got {len(given)}."
            raise ConfigurationError(msg)
