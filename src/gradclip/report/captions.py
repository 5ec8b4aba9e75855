"""The charts in words: captions for everybody, and all there is for who cannot see them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gradclip.record.run import Numbers
from gradclip.report.facts import Facts
from gradclip.report.figures import Figures, figures
from gradclip.report.wording import framework_title, number, part_of, percent, plural


def headline(runs: Sequence[Facts]) -> str:
    """Return the page's title.

    Example:
        >>> headline([])
        'No runs'
    """
    if not runs:
        return "No runs"
    if len(runs) > 1:
        *most, last = (run.name for run in runs)
        return f"{', '.join(most)} and {last} compared"
    (run,) = runs
    framework = framework_title(run.metadata.framework)
    clipping = f"clipped by {run.metadata.policy}" if run.metadata.policy else "not clipped"
    return f"{plural(len(run.numbers.steps), 'step')} with {framework}, {clipping}"


def subtitle(runs: Sequence[Facts]) -> str:
    """Return the line under the title: the program, the framework, the date, how one ended."""
    parts = [part for run in runs for part in origin(run)]
    parts += [ended(run) for run in runs if len(runs) == 1]
    return " · ".join(filter(None, dict.fromkeys(parts)))


def origin(run: Facts) -> list[str]:
    """Return where one run comes from: its program, framework and date."""
    metadata = run.metadata
    parts = [
        metadata.program,
        f"{framework_title(metadata.framework)} {metadata.framework_version}",
        metadata.created[:16].replace("T", " ") + " UTC",
    ]
    return [part for part in parts if part]


def ended(run: Facts) -> str:
    """Return how a run ended that did not finish; nothing of one that did."""
    if run.status == "finished":
        return ""
    return f"{run.status} after {plural(len(run.numbers.steps), 'step')}"


def captions(run: Facts) -> dict[str, str]:
    """Return what each chart shows of one run, by the chart's name.

    Args:
        run: The run.

    Returns:
        Captions for `norm`, `profile`, `updates`, `loss` and `accuracy`; the others say how they
        are read, which is the same for every run.
    """
    summary = figures(run)
    if not summary.num_steps:
        return dict.fromkeys(_DESCRIPTIONS, "No step was recorded.")
    return {name: describe(run, summary) for name, describe in _DESCRIPTIONS.items()}


def together(runs: Sequence[Facts]) -> dict[str, str]:
    """Return each chart's caption for all runs, a line each and named where there are several."""
    each = {run.name: captions(run) for run in runs}
    if len(each) == 1:
        return next(iter(each.values()))
    return {
        chart: "\n".join(f"{name}: {texts[chart]}" for name, texts in each.items())
        for chart in _DESCRIPTIONS
    }


def _describe_norm(run: Facts, summary: Figures) -> str:
    """Return how large the gradient was and what clipping did about it."""
    peak = f"Before clipping the norm peaked at {number(summary.peak)} (step {summary.peak_step})"
    sentences = [
        f"{peak} and ended at {number(summary.end_norm)}." if summary.peak_step is not None else "",
        _describe_clipping(run, summary),
    ]
    if summary.non_finite:
        sentences.append(f"It was NaN or infinite on {plural(summary.non_finite, 'step')}.")
    if summary.skipped:
        sentences.append(f"Dropped: {plural(summary.skipped, 'step')}.")
    return " ".join(filter(None, sentences))


def _describe_clipping(run: Facts, summary: Figures) -> str:
    """Return on how many steps clipping acted."""
    if run.metadata.policy is None and not summary.clipped:
        return "Nothing was clipped."
    constant = constant_limit(run.numbers)
    limit = "Clipping" if constant is None else f"The limit of {number(constant)}"
    if not summary.clipped:
        return f"{limit} was never reached."
    return f"{limit} acted on {part_of(summary.clipped, summary.num_steps, 'steps')}."


def constant_limit(numbers: Numbers) -> float | None:
    """Return the limit that held at every step; None if there was none, or several."""
    limits = numbers.limit
    constant = len(limits) and np.isfinite(limits[0]) and (limits == limits[0]).all()
    return float(limits[0]) if constant else None


def _describe_profile(run: Facts, summary: Figures) -> str:
    """Return the vanishing observation."""
    del run
    layers = summary.layers
    if layers is None:
        return "There are fewer than two weights to compare."
    start, end = layers.ratios
    return (
        f"{layers.first} (next to the input) over {layers.last} (next to the output): "
        f"{number(layers.first_norms[0])} / {number(layers.last_norms[0])} = {number(start)} "
        f"at the first step, {number(layers.first_norms[1])} / {number(layers.last_norms[1])} "
        f"= {number(end)} at the last."
    )


def _describe_updates(run: Facts, summary: Figures) -> str:
    """Return at how many steps updates were measured."""
    del summary
    if run.updates is None:
        return "No update was measured."
    return f"Updates are shown at {plural(len(run.updates.steps), 'step')}."


def _describe_loss(run: Facts, summary: Figures) -> str:
    """Return where the loss began and ended."""
    if np.isnan(run.numbers.loss).all():
        return "No loss was recorded."
    return (
        f"From {number(summary.start_loss)} at the first batch to {number(summary.loss)} at the "
        f"last. The lowest was {number(summary.lowest_loss)}."
    )


def _describe_accuracy(run: Facts, summary: Figures) -> str:
    """Return how many were right, in the last batch and on the test images."""
    if np.isnan(run.numbers.accuracy).all():
        return "No accuracy was recorded."
    sentence = (
        f"From {percent(run.numbers.accuracy[0])} of the first batch to "
        f"{percent(summary.accuracy)} of the last."
    )
    if summary.test_accuracy is None:
        return sentence
    return f"{sentence} On test data: {percent(summary.test_accuracy)}."


_DESCRIPTIONS: Mapping[str, Callable[[Facts, Figures], str]] = {
    "norm": _describe_norm,
    "profile": _describe_profile,
    "updates": _describe_updates,
    "loss": _describe_loss,
    "accuracy": _describe_accuracy,
}
