"""The summary in words: what a run did, told as sentences."""

import math
from collections.abc import Iterator

import numpy as np

from gradclip.report.facts import Facts
from gradclip.report.figures import Figures, Layers, figures
from gradclip.report.layers import layer_figures
from gradclip.report.wording import (
    duration,
    framework_title,
    number,
    part_of,
    percent,
    plural,
    times,
)

_VANISHING = 1e-3  # of the last layer's gradient: from here on the first hardly learns
_GAP = 3.0  # times as large: below, layers learn at much the same pace
_SAME = 1.5  # a gap that changed by less stayed
_NUM_NAMES = 3  # that fit into a line
_USUAL_RATIO = 1e-3  # of update to weight, a rule of thumb for training that goes well


def story(facts: Facts) -> list[str]:
    """Return what a run did, in sentences from the most general to the least.

    Args:
        facts: The run.

    Returns:
        At least one sentence.
    """
    summary = figures(facts)
    if not summary.num_steps:
        return [f"No step was recorded; the run is {facts.status}."]
    parts = (_course, _size, _clipping, _trouble, _depth, _updates, _missing)
    return [sentence for part in parts for sentence in part(facts, summary)]


def _course(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell how long it took, and where the loss and the accuracy went."""
    framework = framework_title(facts.metadata.framework)
    ended = {"finished": "", "running": " so far"}.get(facts.status, f", then it {_end(facts)}")
    text = f"{plural(summary.num_steps, 'step')} with {framework}"
    took = f" in {duration(summary.seconds)}" if math.isfinite(summary.seconds) else ""
    yield f"{text}{took}{ended}."
    if math.isfinite(summary.start_loss) or math.isfinite(summary.loss):
        yield f"The loss went from {number(summary.start_loss)} to {number(summary.loss)}."
    if summary.test_accuracy is not None:
        yield f"On test data {percent(summary.test_accuracy)} are right."


def _end(facts: Facts) -> str:
    """Return how a run ended that did not finish."""
    return {"interrupted": "was interrupted"}.get(facts.status, facts.status)


def _size(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell how large the gradient was, and its largest spike."""
    del facts
    if summary.peak_step is None:
        yield "No global norm was finite."
        return
    yield (
        f"The global norm was {number(summary.median_norm)} in the median; the largest was "
        f"{number(summary.peak)}, at step {summary.peak_step}."
    )
    if summary.spike is not None:
        step, norm, factor = summary.spike
        yield (
            f"The largest spike is at step {step}: {number(norm)}, "
            f"{number(factor)} times the norm of the steps right before it."
        )


def _clipping(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell how often clipping acted."""
    policy = facts.metadata.policy
    if policy is None and not summary.clipped:
        yield "Nothing was clipped."
    elif not summary.clipped:
        yield f"Clipping by {policy or 'an unnamed policy'} never acted."
    else:
        acted = part_of(summary.clipped, summary.num_steps, "steps")
        yield f"Clipping by {policy or 'an unnamed policy'} acted on {acted}."


def _trouble(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell what was not finite, and what was skipped."""
    del facts
    if summary.non_finite:
        counted = part_of(summary.non_finite, summary.num_steps, "steps")
        yield (
            f"The global norm was NaN or infinite on {counted}, "
            f"first at step {summary.first_non_finite}."
        )
    if summary.skipped:
        yield f"{plural(summary.skipped, 'step')} {_were(summary.skipped)} skipped."


def _depth(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell whether gradients vanish or explode on their way to the input."""
    layers = summary.layers
    if layers is not None:
        yield from _ends(layers)
    rows = int(facts.thin.rows.sum())
    dead = [row.name for row in layer_figures(facts) if row.zeros == rows]
    if dead:
        names = ", ".join(dead[:_NUM_NAMES]) + (", ..." if len(dead) > _NUM_NAMES else "")
        have = "parameters have a gradient" if len(dead) > 1 else "parameter has a gradient"
        yield f"{len(dead)} {have} of exactly 0 at every step: {names}."


def _ends(layers: Layers) -> Iterator[str]:
    """Tell how the first layer's gradient compares with the last one's, and how that went on."""
    start, end = layers.ratios
    if not (_comparable(start) and _comparable(end)):
        return
    yield (
        f"At the first step the gradient of {layers.first}, next to the input, was "
        f"{times(start)} that of {layers.last}, next to the output; "
        f"at the last step it was {times(end)} it. {_development(start, end)}"
    )
    if min(start, end) < _VANISHING:
        yield f"That is a vanishing gradient: {layers.first} learns next to nothing."
    elif max(start, end) > 1 / _VANISHING:
        yield f"That is a gradient that explodes on its way back to {layers.first}."


def _comparable(ratio: float) -> bool:
    return math.isfinite(ratio) and ratio > 0


def _development(start: float, end: float) -> str:
    """Return how the gap between the layers changed."""
    before, after = abs(math.log(start)), abs(math.log(end))
    if max(before, after) < math.log(_GAP):
        return "Both ends learn at much the same pace."
    if abs(after - before) < math.log(_SAME):
        return "The gap stayed."
    return "The gap grew." if after > before else "The gap shrank."


def _updates(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell how large the updates were beside the weights."""
    del summary
    rows = [row for row in layer_figures(facts) if math.isfinite(row.update_ratio)]
    if not rows:
        return
    ratios = np.array([row.update_ratio for row in rows])
    low, high = rows[int(ratios.argmin())], rows[int(ratios.argmax())]
    yield (
        f"A step changed a parameter by {number(float(np.median(ratios)))} of its norm in the "
        f"median (some {_USUAL_RATIO:g} is usual): least {low.name} with "
        f"{number(low.update_ratio)}, most {high.name} with {number(high.update_ratio)}."
    )


def _missing(facts: Facts, summary: Figures) -> Iterator[str]:
    """Tell what the record lacks."""
    del facts
    if summary.lost:
        yield f"{plural(summary.lost, 'step')} could not be recorded."
    if summary.damaged:
        yield f"{plural(summary.damaged, 'record')} {_were(summary.damaged)} damaged and left out."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
