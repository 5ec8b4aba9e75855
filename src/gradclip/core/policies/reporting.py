"""From what was decided to the report of a step."""

from collections.abc import Callable

from gradclip.core.floats import Floats
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.late_report import LateReport, Vectors
from gradclip.core.policies.policy import Verdict
from gradclip.core.policies.report import Report
from gradclip.core.statistics import Look, Statistics


def report_of(first: Batch, batch: Batch, verdict: Verdict, skipped: Array) -> Report:
    """Return the report of a step.

    Args:
        first: The gradients as they came.
        batch: The gradients as they are to be, zeros if the step is skipped.
        verdict: What the policy said besides.
        skipped: Whether the step is to be dropped.
    """
    before, arithmetic = first.total()
    if isinstance(arithmetic, Floats) and isinstance(skipped, bool):
        return _on_host(first, batch, verdict, before, skipped=skipped, double=arithmetic.double)
    xp, kinds = batch.xp, batch.kinds
    parts_after, after, scalar = _after(batch, skipped)
    same = before == after
    # Of a skipped step the norm before may be NaN, the one after is 0. A user's function may
    # make something of zeros.
    divisor = scalar.where(same | (after == 0) | (before == 0), 1.0, before)

    def given(value: Array) -> Array:
        return value if isinstance(value, float) else xp.narrow(value, kinds)

    return Report(
        names=batch.names,
        norm_before=given(before),
        norm_after=given(after),
        limit=given(verdict.limit),
        scale=given(scalar.where(same, 1.0, after / divisor)),
        skipped=skipped,
        parts_before=given(first.norms()),
        parts_after=given(parts_after),
        statistics=_statistics(first.known.look if first.known.asked else None, before, given),
    )


def _after(batch: Batch, skipped: Array) -> tuple[Array, Array, Array]:
    """Return the norms after, (T,) and (), and the arithmetic on the latter."""
    xp = batch.xp
    if skipped is False:
        return batch.norms(), *batch.total()
    if skipped is True:
        parts = xp.blank((len(batch.names),), batch.kinds)
    else:  # chosen, since 0 times inf is NaN
        parts = xp.arithmetic(batch.kinds).where(skipped, 0.0, batch.norms())
    return parts, *xp.total(parts, batch.kinds)


def _on_host(
    first: Batch, batch: Batch, verdict: Verdict, before: float, *, skipped: bool, double: bool
) -> Report:
    """Return a report whose vectors are made when they are asked for.

    On the host they take longer than the decision, and those of most steps are never looked at.
    """
    same = batch is first or (batch.known is first.known and batch.factor is first.factor)
    after = 0.0 if skipped else before if same else batch.total()[0]
    limit = verdict.limit
    return LateReport(
        _vectors(first, batch, before, same=same, skipped=skipped, double=double),
        names=batch.names,
        norm_before=before,
        norm_after=after,
        limit=limit if isinstance(limit, float) else batch.xp.narrow(limit, batch.kinds),
        scale=1.0 if before == after else after / (before if before and after else 1.0),
        skipped=skipped,
    )


def _vectors(
    first: Batch, batch: Batch, total: float, *, same: bool, skipped: bool, double: bool
) -> Callable[[], Vectors]:
    """Return what makes a report's vectors, and holds norms but no gradient."""
    xp, length = batch.xp, len(batch.names)
    look = first.known.look if first.known.asked else None
    norms_before = _norms(first)
    norms_after = norms_before if skipped or same else _norms(batch)

    def vectors() -> Vectors:
        parts = norms_before()

        def given(value: Array) -> Array:
            return value if isinstance(value, float) else xp.narrow(value, [parts] * double)

        before = after = given(parts)
        if skipped:
            after = given(xp.blank((length,), []))
        elif not same:
            after = given(norms_after())
        return before, after, _statistics(look, total, given)

    return vectors


def _norms(batch: Batch) -> Callable[[], Array]:
    """Return what makes the norms of gradients, and holds none of them."""
    look, factor = batch.known.look, batch.factor
    if look is None:
        norms = batch.norms()
        return lambda: norms
    return (lambda: look.norms) if batch.untouched else (lambda: look.norms * factor)


def _statistics(
    look: Look | None, total: Array, given: Callable[[Array], Array]
) -> Statistics | None:
    """Return statistics as users get them."""
    if look is None:
        return None
    norms, largest, nonfinite, zeros = look.columns
    return Statistics(given(total), given(norms), given(largest), nonfinite, zeros)
