"""Says what is unusual about a run, in plain facts; what to do about it is said elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradclip.record.run import Numbers
from gradclip.report.wording import number
from gradclip.watch.layers import Layers

RECENT = 100  # steps, of which the median and the share that was clipped are
_FEW = 10  # steps that a median or "every step" needs to mean something
_OUTLIER = 10.0  # times the median
_NAMED = 3  # layers that one line names


@dataclass(frozen=True, slots=True)
class Alarm:
    """A fact that one should know of.

    Attributes:
        text: The fact, in a sentence.
        serious: Whether something is not finite, or was lost.
    """

    text: str
    serious: bool = False


def alarms(numbers: Numbers, layers: Layers | None) -> tuple[Alarm, ...]:
    """Return what is unusual, the serious facts first.

    Args:
        numbers: All steps.
        layers: The tensors of the last step; None if there is none.

    Returns:
        The facts; none of a run that goes as it should.
    """
    found = [alarm for rule in _RULES for alarm in rule(numbers)]
    if layers is not None:
        found += _zero_layers(layers)
    return tuple(sorted(found, key=lambda alarm: not alarm.serious))


def _non_finite_gradients(numbers: Numbers) -> Iterator[Alarm]:
    """Say which steps had gradients that were NaN or infinite."""
    steps = numbers.steps[~np.isfinite(numbers.global_norm_before)]
    if len(steps):
        yield Alarm(f"Gradients were not finite {_when(steps)}.", serious=True)


def _non_finite_loss(numbers: Numbers) -> Iterator[Alarm]:
    """Say which steps had an infinite loss, or from which on there is none."""
    known = np.isfinite(numbers.loss)
    first = int(np.argmin(known)) if len(known) and not known.all() else 0
    # NaN stands for "nobody noted it" too: it says something only behind nothing but numbers.
    lost = first > 0 and not known[first:].any()
    steps = numbers.steps[np.isinf(numbers.loss)]
    if lost:
        yield Alarm(f"The loss is not finite since step {numbers.steps[first]:,}.", serious=True)
    elif len(steps):
        yield Alarm(f"The loss was infinite {_when(steps)}.", serious=True)


def _lost(numbers: Numbers) -> Iterator[Alarm]:
    """Say how many steps could not be kept."""
    lost = int(numbers.lost.sum())
    if lost:
        yield Alarm(f"{_count(lost, 'step')} could not be recorded.", serious=True)


def _damaged(numbers: Numbers) -> Iterator[Alarm]:
    """Say how many records are not what was written."""
    if numbers.damaged:
        text = f"{_count(numbers.damaged, 'record')} on the disk {_are(numbers.damaged)} damaged."
        yield Alarm(text, serious=True)


def _skipped_in_a_row(numbers: Numbers) -> Iterator[Alarm]:
    """Say how many of the last steps were skipped one after the other."""
    kept = np.flatnonzero(~numbers.skipped)
    run = len(numbers.skipped) - (int(kept[-1]) + 1 if len(kept) else 0)
    if run > 1:
        yield Alarm(f"The last {run:,} steps were skipped.", serious=True)


def _outlier(numbers: Numbers) -> Iterator[Alarm]:
    """Say which of the last steps had by far the greatest norm."""
    norms = numbers.global_norm_before[-RECENT:]
    finite = np.where(np.isfinite(norms), norms, np.nan)
    if np.isfinite(finite).sum() < _FEW:
        return
    times = finite / np.nanmedian(finite) if np.nanmedian(finite) > 0 else np.zeros(len(finite))
    worst = int(np.nanargmax(times))
    if times[worst] > _OUTLIER:
        step = numbers.steps[-RECENT:][worst]
        text = f"The norm of step {step:,} was {number(times[worst])} times the median of the last"
        yield Alarm(f"{text} {len(norms)}.")


def _all_clipped(numbers: Numbers) -> Iterator[Alarm]:
    """Say that no step of late was left as it was."""
    clipped = numbers.scale[-RECENT:] < 1
    if len(clipped) >= _FEW and clipped.all():
        yield Alarm(f"Every one of the last {len(clipped)} steps was clipped.")


_RULES: Sequence[Callable[[Numbers], Iterator[Alarm]]] = (
    _non_finite_gradients,
    _non_finite_loss,
    _lost,
    _damaged,
    _skipped_in_a_row,
    _outlier,
    _all_clipped,
)


def _zero_layers(layers: Layers) -> Iterator[Alarm]:
    """Say which layers have no gradient at all."""
    zero = [layers.names[place] for place in np.flatnonzero(layers.columns["before"] == 0)]
    if not zero:
        return
    more = f" and {len(zero) - _NAMED:,} more" if len(zero) > _NAMED else ""
    names = ", ".join(zero[:_NAMED]) + more
    what = "The gradient" if len(zero) == 1 else "The gradients"
    yield Alarm(f"{what} of {names} {_are(len(zero))} 0 in step {layers.step:,}.")


def _when(steps: NDArray[np.int64]) -> str:
    """Return at which step, or at how many and which was the last."""
    if len(steps) == 1:
        return f"in step {steps[0]:,}"
    return f"in {len(steps):,} steps, the last was step {steps[-1]:,}"


def _count(count: int, noun: str) -> str:
    """Return a number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _are(count: int) -> str:
    """Return the verb that goes with a number of things."""
    return "is" if count == 1 else "are"
