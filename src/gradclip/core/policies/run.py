"""One step of a policy: measure, decide, apply."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from gradclip.core.arithmetic import State
from gradclip.core.decide import NonFinite
from gradclip.core.namespace import Array, Namespace
from gradclip.core.policies.batch import Batch, Known
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.core.policies.reporting import report_of

Gradients = list[Array | None]


class PolicyState(NamedTuple):
    """What a policy carries from step to step."""

    step: Array  # the optimizer's steps so far, (), float32: skipped ones do not count
    inner: State


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy decided; the gradients are multiplied when `gradients` is called.

    Attributes:
        report: Norms before and after.
        state: The state for the next step.
        skipped: Whether the step is to be dropped, a bool () where it is known.
        batch: The gradients.
    """

    report: Report
    state: PolicyState
    skipped: Array
    batch: Batch

    def gradients(self, factor: Array = 1.0) -> Gradients:
        """Return the gradients that the optimizer gets, zeros for a skipped step.

        Args:
            factor: What to multiply them by besides, wide, ().
        """
        with self.batch.xp.precision(None):
            return self.batch.scaled(factor).settled().tensors


def init(policy: Policy, params: Gradients, names: tuple[str, ...], xp: Namespace) -> PolicyState:
    """Return the state of a policy before the first step.

    Args:
        policy: The policy.
        params: The parameters, in the shapes of their gradients; their values do not count. None
            where the shape is not known.
        names: Their names.
        xp: The framework's verbs.
    """
    with xp.precision(None):
        tensors = _tensors(params, names, xp)
        batch = Batch(xp=xp, names=names, tensors=tensors, known=Known(tensors, xp))
        zero, arithmetic = xp.decidable(xp.blank((), batch.kinds), batch.kinds)
        return PolicyState(arithmetic.store(arithmetic.zeros(zero)), policy.init(batch))


def update(  # noqa: PLR0913 - what a step consists of
    policy: Policy,
    gradients: Gradients,
    state: PolicyState,
    *,
    weights: list[Array],
    names: tuple[str, ...],
    nonfinite: NonFinite,
    xp: Namespace,
    factor: Array = 1.0,
    statistics: bool = False,
) -> Outcome:
    """Let a policy decide on the gradients of one step.

    Args:
        policy: The policy.
        gradients: T gradients; None where there is none.
        state: What `init` or the last step returned.
        weights: The parameters; empty if the policy does not ask for their norms.
        names: The parameters' names.
        nonfinite: `"skip"` drops the step, `"raise"` raises, `"zero"` puts zeros in place of the
            bad tensors, `"propagate"` makes everything NaN that a limit governs.
        xp: The framework's verbs.
        factor: What to multiply the gradients by before they are looked at, wide, (): one over
            the scale of a scaled loss.
        statistics: Whether the report shall tell all that one look at the gradients can.

    Returns:
        What was decided. A state never learns from gradients that are not finite.

    Raises:
        NonFiniteGradientError: With `nonfinite="raise"`.
    """
    with xp.precision(None):
        tensors = _tensors(gradients, names, xp)
        known = Known(tensors, xp, look=statistics)
        batch = Batch(
            xp=xp,
            names=names,
            tensors=tensors,
            variables=weights,
            factor=factor,
            known=known,
        )
        if nonfinite in {"raise", "zero"}:
            batch = _answered(batch, nonfinite)
        first = batch
        before, arithmetic = batch.total()
        finite = arithmetic.isfinite(before)
        if finite is not True:
            batch = replace(batch, accept=finite)
        step = arithmetic.load(state.step)
        after, verdict, inner = policy.update(batch, state.inner, step)
        skipped = verdict.drop
        if nonfinite == "skip":
            skipped = arithmetic.where(finite, skipped, True)  # noqa: FBT003 - an array's place
        settled = _dropped(after, skipped)
        report = report_of(first, settled, verdict, skipped)
        counted = arithmetic.where(skipped | (finite != True), step, step + 1.0)  # noqa: E712
        following = PolicyState(arithmetic.store(counted), inner)
        return Outcome(report, following, skipped, settled)


def _tensors(given: Gradients, names: tuple[str, ...], xp: Namespace) -> Gradients:
    """Return what the framework makes of gradients or parameters; nothing stays nothing."""
    tensor = xp.tensor  # of thousands of tensors even this is felt
    pairs = zip(given, names, strict=True) if given else ()
    return [None if t is None else tensor(t, name) for t, name in pairs]


def _answered(batch: Batch, nonfinite: NonFinite) -> Batch:
    """Raise for gradients that are not finite, or put zeros in their place."""
    xp = batch.xp
    places = [i for i, t in enumerate(batch.tensors) if t is not None]
    norms = [xp.take(batch.norms(), i) for i in places]
    if nonfinite == "raise":
        xp.require_finite(norms, [batch.names[i] for i in places])
        return batch
    arithmetic = xp.arithmetic(batch.kinds)
    bad = [arithmetic.isfinite(norm) != True for norm in norms]  # noqa: E712 - entry by entry
    zeroed = iter(xp.zero_where(batch.present, bad))
    tensors = [None if t is None else next(zeroed) for t in batch.tensors]
    flags = {i: arithmetic.where(b, 1.0, 0.0) for i, b in zip(places, bad, strict=True)}
    vector = [flags.get(i, 0.0) for i in range(len(tensors))]
    zeros = replace(batch.with_tensors(tensors), factor=batch.factor)
    return replace(zeros, bad=xp.stack(vector) if vector else None)


def _dropped(batch: Batch, skipped: Array) -> Batch:
    """Return zeros if the step is skipped."""
    if isinstance(skipped, bool):
        return replace(batch, factor=0.0) if skipped else batch
    where = batch.xp.arithmetic(batch.kinds).where
    return replace(batch, factor=where(skipped, 0.0, batch.factor))
